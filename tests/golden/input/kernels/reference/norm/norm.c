/* Planned, never compiled. */
