/** dkms as it really behaves, and the building of a package with it. The one place that knows its commands and exit codes. */
package io.kmodfleet.agent.dkms;
