/**
 * The edge agent: looks at its host, reports, and does what it is told, in this order: inspect, report, command, fetch, verify,
 * install, depmod. It decides nothing about the fleet, and it runs nothing that came in a package.
 */
package io.kmodfleet.agent;
