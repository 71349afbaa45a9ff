/**
 * What the coordinator can do, measured on this machine from outside: observations go in through Kafka, commands come out of it,
 * the ledger is asked in PostgreSQL. Each figure stands beside its target and, where a machine matters, beside a floor of the
 * same run.
 */
package io.kmodfleet.deploy.bench;
