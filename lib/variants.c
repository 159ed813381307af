#include "lib/variants.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "lib/field.h"
#include "lib/text.h"

#define RESERVED "TM_" /* what contract.h defines begins with this */

static bool check_name(tm_node_reader *reader, const tm_node *node, const char *where) {
    if (strncmp(node->key, RESERVED, strlen(RESERVED)) == 0) {
        tm_diag_error(reader->diag, tm_node_key_place(node), where,
                      "expected a macro of the solution's own, got \"%s\", and what begins with "
                      "\"" RESERVED "\" is contract.h's; rename it",
                      node->key);
        return false;
    }
    return tm_field_check_identifier(reader, tm_node_key_place(node), where, node->key);
}

/* What a value is in C and in a name; NULL after an error. A fraction has to be written as a word,
 * because 1.0 and 1 are two things to a compiler and one to JSON. */
static const char *value_text(tm_node_reader *reader, const tm_node *node, const char *where) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    if (node->type == TM_NODE_NUMBER && node->is_integer)
        return tm_arena_format(reader->arena, "%" PRId64, node->integer);
    if (node->type == TM_NODE_STRING && node->string[0] &&
        node->string[strspn(node->string, plain)] == '\0')
        return node->string;
    tm_diag_error(reader->diag, node->place, where,
                  "expected an integer, or a string of letters, digits, \"_\", \".\" and \"-\", "
                  "got %s%s; write for example 64 or \"0.5f\"",
                  tm_node_describe(reader->arena, node),
                  node->type == TM_NODE_NUMBER ? " with a fraction or an exponent" : "");
    return NULL;
}

/* False after an error: a table that makes no solution, or too many. */
static bool check_count(tm_node_reader *reader, const tm_node *node, const char *where,
                        size_t count, size_t most, const char *noun) {
    if (count > 0 && count <= most)
        return true;
    if (count == 0)
        tm_diag_error(reader->diag, node->place, where,
                      "expected at least one %s, got none; add one or remove the key", noun);
    else
        tm_diag_error(reader->diag, node->place, where,
                      "expected at most %zu %ss, got %zu; leave some out", most, noun, count);
    return false;
}

/* Fills in the variant's suffix; false after an error. */
static bool name_variant(tm_node_reader *reader, const tm_node *node, const char *where,
                         tm_variant *variant) {
    tm_text text = {0};
    for (size_t i = 0; i < variant->macro_count; i++)
        tm_text_format(&text, "+%s=%s", variant->macros[i].name, variant->macros[i].value);
    bool good = text.length <= TM_VARIANT_SUFFIX_BYTES;
    if (good)
        variant->suffix = tm_arena_copy(reader->arena, text.data, text.length);
    else
        tm_diag_error(reader->diag, node->place, where,
                      "expected values that make a name of at most %d bytes, got \"%s\" of %zu; "
                      "shorten the macros' names",
                      TM_VARIANT_SUFFIX_BYTES, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return good;
}

/* ---- macro -> values ---- */

/* The values of one macro; NULL after an error. */
static const tm_macro *read_values(tm_node_reader *reader, const tm_node *list, const char *where) {
    bool good = check_name(reader, list, where);
    if (list->type != TM_NODE_ARRAY) {
        tm_diag_error(reader->diag, list->place, where,
                      "expected a list of values, got %s; write for example [64, 128]",
                      tm_node_describe(reader->arena, list));
        return NULL;
    }
    if (!check_count(reader, list, where, list->count, TM_MAX_VARIANTS, "value"))
        return NULL;
    tm_macro *values = tm_arena_array(reader->arena, list->count, sizeof *values);
    size_t count = 0;
    for (const tm_node *node = list->child; node; node = node->next) {
        const char *item = tm_arena_format(reader->arena, "%s[%zu]", where, count);
        tm_macro *value = &values[count++];
        *value = (tm_macro){list->key, value_text(reader, node, item), node};
        good = good && value->value;
        for (tm_macro *other = values; value->value && other < value; other++)
            if (other->value && strcmp(other->value, value->value) == 0) {
                tm_diag_error(reader->diag, node->place, item,
                              "expected each value once, got %s twice; remove one", value->value);
                good = false;
            }
    }
    return good ? values : NULL;
}

static const tm_variant *read_product(tm_node_reader *reader, const tm_node *table,
                                      const char *where, size_t *count) {
    const tm_macro *values[TM_MAX_VARIANT_MACROS];
    size_t sizes[TM_MAX_VARIANT_MACROS], macros = 0, total = 1;
    if (!check_count(reader, table, where, table->count, TM_MAX_VARIANT_MACROS, "macro"))
        return NULL;
    bool good = true;
    for (const tm_node *list = table->child; list; list = list->next, macros++) {
        values[macros] = read_values(reader, list, tm_field_join(reader->arena, where, list->key));
        sizes[macros] = list->count;
        good = good && values[macros];
        total *= total <= TM_MAX_VARIANTS && list->count ? list->count : 1; /* no overflow */
    }
    if (!good)
        return NULL;
    if (total > TM_MAX_VARIANTS) {
        tm_diag_error(reader->diag, table->place, where,
                      "expected at most %d combinations, got more; leave values out, or list the "
                      "rows that matter",
                      TM_MAX_VARIANTS);
        return NULL;
    }
    tm_variant *variants = tm_arena_array(reader->arena, total, sizeof *variants);
    for (size_t i = 0; i < total; i++) {
        tm_macro *row = tm_arena_array(reader->arena, macros, sizeof *row);
        size_t left = i;
        for (size_t m = macros; m-- > 0; left /= sizes[m])
            row[m] = values[m][left % sizes[m]];
        variants[i] = (tm_variant){.macros = row, .macro_count = macros};
        if (!name_variant(reader, table, where, &variants[i]))
            return NULL;
    }
    *count = total;
    return variants;
}

/* ---- a list of rows ---- */

/* One row. Its macros are put in the order of the first row's, so that equal rows have equal names.
 */
static bool read_row(tm_node_reader *reader, const tm_node *node, const char *where,
                     const tm_node *first, tm_variant *variant) {
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, node->place, where,
                      "expected an object of macros, got %s; write for example {\"TILE_M\": 64}",
                      tm_node_describe(reader->arena, node));
        return false;
    }
    if (!check_count(reader, node, where, node->count, TM_MAX_VARIANT_MACROS, "macro"))
        return false;
    tm_macro *macros = tm_arena_array(reader->arena, node->count, sizeof *macros);
    const char *known[TM_MAX_VARIANT_MACROS];
    size_t count = 0;
    bool good = true;
    for (const tm_node *key = first->child; key; key = key->next, count++) {
        const tm_node *value = tm_node_get(node, key->key);
        known[count] = key->key;
        if (!value || node->count != first->count)
            continue;
        const char *item = tm_field_join(reader->arena, where, key->key);
        macros[count] = (tm_macro){key->key, value_text(reader, value, item), value};
        good = (node != first || check_name(reader, value, item)) && macros[count].value && good;
    }
    bool same = node->count == first->count;
    for (size_t i = 0; i < count && same; i++)
        same = tm_node_get(node, known[i]) != NULL;
    if (!same)
        tm_diag_error(reader->diag, node->place, where,
                      "expected the macros of the first row (%s), got other ones; give each row a "
                      "value for each",
                      tm_field_list(reader->arena, known, count));
    *variant = (tm_variant){.macros = macros, .macro_count = count};
    return same && good && name_variant(reader, node, where, variant);
}

static const tm_variant *read_rows(tm_node_reader *reader, const tm_node *list, const char *where,
                                   size_t *count) {
    if (!check_count(reader, list, where, list->count, TM_MAX_VARIANTS, "row"))
        return NULL;
    tm_variant *variants = tm_arena_array(reader->arena, list->count, sizeof *variants);
    size_t rows = 0, index = 0;
    bool good = true;
    for (const tm_node *node = list->child; node; node = node->next, index++) {
        const char *item = tm_arena_format(reader->arena, "%s[%zu]", where, index);
        tm_variant *variant = &variants[rows];
        bool is_comparable = list->child->type == TM_NODE_OBJECT && list->child->count > 0 &&
                             list->child->count <= TM_MAX_VARIANT_MACROS;
        if (!read_row(reader, node, item, is_comparable ? list->child : node, variant)) {
            good = false;
            continue;
        }
        for (size_t i = 0; i < rows; i++)
            if (strcmp(variants[i].suffix, variant->suffix) == 0) {
                tm_diag_error(reader->diag, node->place, item,
                              "expected each row once, got \"%s\" twice; remove one",
                              variant->suffix);
                good = false;
            }
        rows++;
    }
    *count = good ? rows : 0;
    return good ? variants : NULL;
}

const tm_variant *tm_variants_parse(tm_node_reader *reader, const tm_node *node, const char *where,
                                    size_t *count) {
    *count = 0;
    if (node->type == TM_NODE_OBJECT)
        return read_product(reader, node, where, count);
    if (node->type == TM_NODE_ARRAY)
        return read_rows(reader, node, where, count);
    tm_diag_error(reader->diag, node->place, where,
                  "expected macros with lists of values, or a list of rows, got %s; write for "
                  "example {\"TILE_M\": [64, 128]}",
                  tm_node_describe(reader->arena, node));
    return NULL;
}
