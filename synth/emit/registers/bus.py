"""How a C program reaches registers: plain memory on a board, a pipe to a simulation elsewhere."""

NAME = "nomul_bus.h"

# The variables that name the pipes to a simulation: requests go out, answers come in.
REQUESTS, ANSWERS = "NOMUL_REQUESTS", "NOMUL_ANSWERS"

TEXT = f"""\
/* How a program reaches the registers of a design.
 * On a processor define NOMUL_BASE, the address of the design. With NOMUL_SIMULATED defined the
 * program talks to a simulation that `nomul soc --program` runs, and needs no other change.
 * This file belongs to whoever emitted it; nomul's licence makes no claim on it. */
#ifndef NOMUL_BUS_H
#define NOMUL_BUS_H
#include <stdint.h>

#ifdef NOMUL_SIMULATED
#include <stdio.h>
#include <stdlib.h>
static FILE *nomul_pipe(const char *variable, const char *mode) {{
  const char *name = getenv(variable);
  FILE *pipe = name ? fopen(name, mode) : NULL;
  if (!pipe) {{
    fprintf(stderr, "there is no simulation behind %s\\n", variable);
    exit(1);
  }}
  return pipe;
}}
static uint32_t nomul_transfer(const char *kind, uint32_t address, uint32_t word) {{
  static FILE *requests, *answers;
  char status;
  unsigned long value;
  if (!requests) {{
    requests = nomul_pipe("{REQUESTS}", "w");
    answers = nomul_pipe("{ANSWERS}", "r");
  }}
  fprintf(requests, "%s %lx %lx\\n", kind, (unsigned long)address, (unsigned long)word);
  fflush(requests);
  if (fscanf(answers, " %c %lx", &status, &value) != 2 || status != 'k') {{
    fprintf(stderr, "the bus refuses to %s 0x%lx\\n", kind, (unsigned long)address);
    exit(1);
  }}
  return (uint32_t)value;
}}
static inline uint32_t nomul_read(uint32_t address) {{
  return nomul_transfer("read", address, 0);
}}
static inline void nomul_write(uint32_t address, uint32_t word) {{
  nomul_transfer("write", address, word);
}}
#else
#ifndef NOMUL_BASE
#error "define NOMUL_BASE, the address of the design, or NOMUL_SIMULATED"
#endif
static inline uint32_t nomul_read(uint32_t address) {{
  return *(volatile uint32_t *)((uintptr_t)(NOMUL_BASE) + address);
}}
static inline void nomul_write(uint32_t address, uint32_t word) {{
  *(volatile uint32_t *)((uintptr_t)(NOMUL_BASE) + address) = word;
}}
#endif
#endif
"""
