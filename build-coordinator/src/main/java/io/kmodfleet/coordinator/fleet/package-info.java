/**
 * What people ask: hosts, decisions and why, the policy, dead letters. Answers from the projections with Hibernate Reactive and
 * never writes; publishing a policy is an observation like any other.
 */
package io.kmodfleet.coordinator.fleet;
