/**
 * What a kernel module file is, read from its own bytes: compression, signature trailer, ELF, {@code .modinfo}, symbol
 * versions. Works on bytes in memory and believes nothing that a file name or a manifest says.
 */
package io.kmodfleet.contracts.module;
