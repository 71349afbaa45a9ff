/** Takes uploads: bounded, hashed, checked, and only then kept. */
package io.kmodfleet.store.intake;
