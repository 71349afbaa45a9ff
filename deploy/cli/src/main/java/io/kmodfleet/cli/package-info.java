/** {@code kmodfleet}, the operator's command line: the HTTP API of coordinator and store, typed. Decides and keeps nothing. */
package io.kmodfleet.cli;
