/* config_key: the keys that a configuration has: where each may stand, what it takes, and where its
 * value is kept. One table; reading, overriding, resolving and writing all go by it.
 *
 * Deliberately does not know files, or which level wins over which. */
#ifndef TM_CONFIG_KEY_H
#define TM_CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/config.h"
#include "lib/node.h"

typedef enum {
    TM_CONFIG_KIND_INTEGER,
    TM_CONFIG_KIND_NUMBER,
    TM_CONFIG_KIND_RATIO, /* a number, or null for "not set" */
    TM_CONFIG_KIND_LIMIT, /* a number above 0, or null for none, which is kept as 0 */
    TM_CONFIG_KIND_BOOL,
    TM_CONFIG_KIND_STRINGS, /* a list, or null */
    TM_CONFIG_KIND_EXTRA,   /* an object with any members */
    TM_CONFIG_KIND_SECTIONS /* an object from a name to evaluation keys */
} tm_config_kind;

/* What numbers a key accepts; infinities and NaN never. */
typedef struct {
    double minimum, maximum;
    bool above_minimum; /* the minimum itself is refused */
    const char *phrase; /* "expected ..." */
} tm_config_range;

/* Where a key may stand; bits. */
enum {
    TM_CONFIG_AT_TOP = 1,     /* top level of the file */
    TM_CONFIG_IN_SECTION = 2, /* op_type_config.<op_type>, definition_config.<definition> */
    TM_CONFIG_IN_CELL = 4,    /* what tm_config_to_json writes */
    TM_CONFIG_IN_OPTION = 8,  /* the command line */
    TM_CONFIG_IN_EXTRA = 16   /* a member of `extra` that we know; the others are free */
};

/* What a file, or a part of it, can set. */
typedef struct {
    tm_config config;               /* `extra` is sorted by key */
    const char *const *definitions; /* NULL-terminated, or NULL */
    const char *const *solutions;
} tm_config_values;

/* One key: all that reading, overriding, resolving and writing know about it. */
typedef struct {
    const char *name;
    tm_config_kind kind;
    unsigned scopes;
    size_t offset; /* into tm_config_values; unused for members of `extra` and for sections */
    const tm_config_range *range; /* or NULL */
    const char *advice;           /* "; ..." in the file's messages */
} tm_config_key;

#define TM_CONFIG_KEY_COUNT 19
/* In the order in which a cell's configuration is written. */
extern const tm_config_key tm_config_keys[TM_CONFIG_KEY_COUNT];

/* The key of that name that may stand in one of `scopes`, or NULL. */
const tm_config_key *tm_config_key_find(const char *name, unsigned scopes);
/* "expected ..." for a value of a wrong type. Static. */
const char *tm_config_key_expected(const tm_config_key *key);
/* How many bytes lie at a key's offset; 0 when it is not one value. */
size_t tm_config_key_bytes(const tm_config_key *key);

typedef enum { TM_CONFIG_FITS, TM_CONFIG_WRONG_TYPE, TM_CONFIG_OUT_OF_RANGE } tm_config_verdict;
/* Whether a key that is one value takes this one. */
tm_config_verdict tm_config_key_check(const tm_config_key *key, const tm_node *node);

#endif
