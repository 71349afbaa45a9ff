/** Hosts that really boot: Debian in a virtual machine, with its own kernel, dkms and package manager. */
package io.kmodfleet.deploy.guest;
