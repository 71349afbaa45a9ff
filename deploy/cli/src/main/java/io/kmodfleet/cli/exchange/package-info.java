/** Forms in which packages leave a fleet and come into one: the air-gap bundle, the product guide's server layout, kmod images. */
package io.kmodfleet.cli.exchange;
