/** What may go and what stays, each with the reason; and its going. */
package io.kmodfleet.store.retention;
