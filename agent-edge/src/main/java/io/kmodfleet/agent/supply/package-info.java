/** Supplies what a build on this host lacks: the packages as a plan of values, and the one place that runs a package manager. */
package io.kmodfleet.agent.supply;
