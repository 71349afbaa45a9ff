/**
 * Everything on one machine, from one command: an embedded broker, an embedded PostgreSQL, and the services from the very jars
 * that run in production, each as a process of its own. Knows how processes are started and ended, nothing of what they decide.
 */
package io.kmodfleet.deploy.standalone;
