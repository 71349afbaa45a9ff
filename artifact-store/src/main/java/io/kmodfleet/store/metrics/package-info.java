/** What the store tells Prometheus; deploy/METRICS.md has every name. */
package io.kmodfleet.store.metrics;
