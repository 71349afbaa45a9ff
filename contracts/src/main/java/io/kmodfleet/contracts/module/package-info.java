/**
 * What a kernel module file is, read from its own bytes: compression, signature, ELF, {@code .modinfo}, symbols and their
 * CRCs; what of it a kernel does not offer, and where two builds differ. Works on bytes in memory and believes nothing that a
 * file name or a manifest says. {@code ModuleFile}, {@code ModuleSignature}, {@code Symvers} and {@code Divergence} are the ways
 * in, each of them bounded before it reads.
 */
package io.kmodfleet.contracts.module;
