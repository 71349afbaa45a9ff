/** What packages are to the fleet. The coordinator decides it; here it is only asked for and written down. */
package io.kmodfleet.store.standing;
