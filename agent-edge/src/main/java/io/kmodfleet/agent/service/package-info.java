/**
 * The agent as a service: what stays in memory for months on ten thousand hosts. Knows neither picocli nor Quarkus, which the
 * commands need for a second and the service would carry for good.
 */
package io.kmodfleet.agent.service;
