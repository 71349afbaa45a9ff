/**
 * What people look at: pages, the map, the live stream, and the questions behind them. It reads what the coordinator knows and says
 * what people say over the operator's door; it decides nothing.
 */
package io.kmodfleet.coordinator.dashboard;
