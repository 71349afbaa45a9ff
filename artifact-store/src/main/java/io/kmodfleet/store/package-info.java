/**
 * The artifact store: takes source packages, module packages and build logs by their digest, checks that a package is what its
 * manifest says, keeps them, serves them, and tells the fleet what it took and what it refused.
 *
 * <p>It must not know who gets what: that is decided elsewhere.
 */
package io.kmodfleet.store;
