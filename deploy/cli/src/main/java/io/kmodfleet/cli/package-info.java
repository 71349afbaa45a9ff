/**
 * {@code kmodfleet}, the operator's command line: the HTTP API of coordinator and store, typed; and the replay of a ledger by
 * the coordinator's own rules, run here. Keeps nothing.
 */
package io.kmodfleet.cli;
