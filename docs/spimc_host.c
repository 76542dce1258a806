/* A layer on SP-IMC, driven from C: docs/spimc-driver.md explains every step.
 *
 *   nomul pack w.npy --preset small --export c --out w.packed.npz
 *   nomul soc spimc:small --program spimc_host.c < vectors.txt > sums.txt
 *
 * It reads vectors of W_ROWS integers from standard input, and prints W_COLUMNS sums for each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "nomul_bus.h"
#include "soc.h"
#include "w.h"

static void send(uint32_t address, unsigned words, uint64_t word) {
  for (unsigned k = 0; k < words; k++) nomul_write(address + 4 * k, (uint32_t)(word >> 32 * k));
}

static void command(uint64_t word) {
  send(SOC_SPIMC_COMMAND_ADDRESS, SOC_SPIMC_COMMAND_WORDS, word);
}

static uint32_t errors(void) { return nomul_read(SOC_SPIMC_ERRORS_ADDRESS); }

static int loading(void) { return nomul_read(SOC_SPIMC_LOADING_ADDRESS) != 0; }

static void check(const char *when) {
  uint32_t found = errors();
  if (!found) return;
  fprintf(stderr, "%s: errors 0x%" PRIx32 " in column %" PRIu32 ", slot %" PRIu32 "\n", when, found,
          nomul_read(SOC_SPIMC_ERROR_COLUMN_ADDRESS), nomul_read(SOC_SPIMC_ERROR_SLOT_ADDRESS));
  exit(1);
}

static void product(const struct w_tile *tile, const int32_t *x, int64_t *y) {
  const uint32_t *entries = w_entries + tile->first_entry;
  const uint32_t mask = (1u << SOC_SPIMC_X_X_BITS) - 1;
  uint32_t sent = 0;

  /* Open the tile, and load it. The later passes of a dense tile are for the product itself. */
  command(tile->open);
  while (!loading() && !errors()) continue;
  while (sent < tile->entries && loading())
    send(SOC_SPIMC_WEIGHT_ADDRESS, SOC_SPIMC_WEIGHT_WORDS, entries[sent++]);
  while (loading() && !errors()) continue;
  check("loading");

  /* Start, send the activations, the last of them marked, and what is left of the entries. */
  command(W_START);
  for (uint32_t i = 0; i < tile->length; i++) {
    uint32_t word = (uint32_t)x[tile->row + i] & mask;
    if (i + 1 == tile->length) word |= SOC_SPIMC_X_LAST_MASK;
    send(SOC_SPIMC_X_ADDRESS, SOC_SPIMC_X_WORDS, word);
  }
  while (sent < tile->entries)
    send(SOC_SPIMC_WEIGHT_ADDRESS, SOC_SPIMC_WEIGHT_WORDS, entries[sent++]);

  /* A sum per column of the macro; some columns may work for nobody. */
  for (uint32_t c = 0; c < W_MACRO_COLUMNS; c++) {
    uint32_t word = nomul_read(SOC_SPIMC_Y_ADDRESS);
    int64_t sum = nomul_get_signed(&word, SOC_SPIMC_Y_Y_LSB, SOC_SPIMC_Y_Y_BITS);
    if (c < tile->owners) y[w_owners[tile->first_owner + c]] += sum;
  }
  check("product");
}

int main(void) {
  static int32_t x[W_ROWS];
  if (nomul_read(SOC_IDENTITY_ADDRESS) != SOC_IDENTITY_RESET) {
    fprintf(stderr, "the macro is not there\n");
    return 1;
  }
  command(W_CLEAR);
  for (;;) {
    int64_t y[W_COLUMNS] = {0};
    for (uint32_t i = 0; i < W_ROWS; i++)
      if (scanf("%" SCNd32, &x[i]) != 1) return 0;
    for (uint32_t t = 0; t < W_TILES; t++) product(&w_tiles[t], x, y);
    for (uint32_t c = 0; c < W_COLUMNS; c++)
      printf("%" PRId64 "%c", y[c], c + 1 < W_COLUMNS ? ' ' : '\n');
  }
}
