/** From a command and what a host has to the steps that install a package, and the running of them. Planned before anything acts. */
package io.kmodfleet.agent.install;
