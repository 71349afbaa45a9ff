/**
 * The shared language: what hosts report, what the coordinator decides, what it commands, and the identities all of that
 * rests on. Values only: nothing here reads a file, a clock or the network, and nothing here knows which service uses it.
 */
package io.kmodfleet.contracts;
