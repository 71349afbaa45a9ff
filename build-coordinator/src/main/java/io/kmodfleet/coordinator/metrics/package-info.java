/** What the coordinator tells Prometheus; deploy/METRICS.md has every name. It reads and counts, nothing looks at it. */
package io.kmodfleet.coordinator.metrics;
