/**
 * The two archives that travel: source packages and module packages. Exact members, bounded sizes, nothing extracted by a
 * name out of an archive. Works on bytes in memory; who reads a file or a socket bounds it first.
 */
package io.kmodfleet.contracts.pack;
