/** What the store has, in PostgreSQL through Hibernate Reactive; and the observations that follow, in the same transaction. */
package io.kmodfleet.store.catalogue;
