/* yaml_scalar: what a plain word of YAML stands for: the YAML 1.2 core schema (null, bool, int,
 * float), and what it does not know is a string. Deliberately does not know libyaml. */
#ifndef TM_YAML_SCALAR_H
#define TM_YAML_SCALAR_H

#include "lib/node.h"

/* Sets the type and the value of a node; a string borrows `text`. */
void tm_yaml_scalar_resolve(tm_node *node, const char *text);

#endif
