/** What a host is and has: read from files below its root, and the one way to run a program in that root. Changes nothing. */
package io.kmodfleet.agent.host;
