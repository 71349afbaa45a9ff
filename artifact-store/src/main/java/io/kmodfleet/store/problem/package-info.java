/** Turns exceptions into answers, in one place. */
package io.kmodfleet.store.problem;
