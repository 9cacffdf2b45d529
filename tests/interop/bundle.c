/* Run the circuit in a folder of a bundle, knowing only its files, and compare every bit.
   usage: bundle BUNDLE training|inference */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX 1024
typedef struct { char name[64]; long size, bias, threshold, refractory, first; } Population;
typedef struct { long pre, post, delay, weight, learns; char pattern[16], matrix[128]; int16_t *w, *all; } Projection;

static Population pop[MAX];
static Projection proj[MAX];
static long n_pop, n_proj, n_phases, neurons, change[MAX], sum_limit, weight_min, weight_max;
static char receives[MAX][256];
static char root[1024], part[1024];

static void stop(const char *why, const char *what) { fprintf(stderr, "%s: %s\n", what, why); exit(2); }

static FILE *open_file(const char *folder, const char *name) {
    char path[2200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) stop("cannot be read", path);
    return file;
}

/* The first fields of the next line of a CSV file, of at most `limit`; 0 at its end. */
static int row(FILE *file, char *line, size_t size, char **field, int limit) {
    if (!fgets(line, (int)size, file)) return 0;
    line[strcspn(line, "\r\n")] = 0;
    char *next = line;
    int n = 0;
    for (; next && n < limit; n++) {
        field[n] = next;
        next = strchr(next, ',');
        if (next) *next++ = 0;
    }
    return n;
}

/* The numbers of an NPY file of `width` bytes each, and how many there are. */
static void *array(const char *name, size_t width, long *count) {
    FILE *file = open_file(part, name);
    unsigned char head[10];
    if (fread(head, 1, 10, file) != 10 || memcmp(head, "\x93NUMPY\1", 7)) stop("no NPY file", name);
    long begin = 10 + head[8] + 256 * head[9];
    fseek(file, 0, SEEK_END);
    *count = (ftell(file) - begin) / (long)width;
    fseek(file, begin, SEEK_SET);
    void *values = malloc(*count * width + 1);
    if (fread(values, width, *count, file) != (size_t)*count) stop("cut", name);
    fclose(file);
    return values;
}

static long find(const char *name) {
    for (long p = 0; p < n_pop; p++) if (!strcmp(pop[p].name, name)) return p;
    stop("no such population", name);
    return -1;
}

static void read_circuit(void) {
    char line[4096], *f[16];
    FILE *file = open_file(root, "parameters.csv");
    while (row(file, line, sizeof line, f, 3) >= 2) {
        if (!strcmp(f[0], "sum_limit")) sum_limit = atol(f[1]);
        if (!strcmp(f[0], "weight_min")) weight_min = atol(f[1]);
        if (!strcmp(f[0], "weight_max")) weight_max = atol(f[1]);
    }
    fclose(file);
    file = open_file(part, "populations.csv");
    row(file, line, sizeof line, f, 6);
    for (; row(file, line, sizeof line, f, 6) >= 5; n_pop++) {
        Population p = {"", atol(f[1]), atol(f[2]), atol(f[3]), atol(f[4]), neurons};
        snprintf(p.name, sizeof p.name, "%s", f[0]);
        pop[n_pop] = p;
        neurons += p.size;
    }
    fclose(file);
    file = open_file(part, "projections.csv");
    row(file, line, sizeof line, f, 10);
    for (; row(file, line, sizeof line, f, 10) >= 9; n_proj++) {
        Projection q = {find(f[0]), find(f[1]), atol(f[3]), atol(f[4]), atol(f[7]), "", "", NULL, NULL};
        snprintf(q.pattern, sizeof q.pattern, "%s", f[2]);
        snprintf(q.matrix, sizeof q.matrix, "%s", f[8]);
        long count, size = pop[q.pre].size * pop[q.post].size;
        if (*q.matrix) {
            q.all = array(q.matrix, 2, &count);
            q.w = malloc(size * 2);
            memcpy(q.w, q.all, size * 2);
        }
        proj[n_proj] = q;
    }
    fclose(file);
    file = open_file(part, "phases.csv");
    row(file, line, sizeof line, f, 4);
    for (; row(file, line, sizeof line, f, 4) >= 3; n_phases++) {
        change[n_phases] = atol(f[1]);
        snprintf(receives[n_phases], sizeof receives[0], " %s ", f[2]);
    }
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc != 3) stop("takes a bundle and training or inference", argv[0]);
    snprintf(root, sizeof root, "%s", argv[1]);
    snprintf(part, sizeof part, "%s/%s", argv[1], argv[2]);
    read_circuit();
    long n, count, slots = 66, differences = 0, checked[3] = {0, 0, 0};
    int32_t *labels = array("labels.npy", 4, &n);
    uint8_t *inputs = array("inputs.npy", 1, &count), *expected = array("spikes.npy", 1, &count);
    int32_t *potentials = array("potentials.npy", 4, &count), *sums = calloc(slots * neurons, 4);
    uint8_t *spike = malloc(neurons);
    long *silent_until = malloc(neurons * sizeof(long)), input = find("input");
    for (long j = 0; j < neurons; j++) silent_until[j] = -1;

    for (long s = 0; s < n_phases * (n + 1); s++) {
        long phase = s % n_phases, k = s / n_phases - 1, at = (k * n_phases + phase) * neurons;
        int32_t *u = sums + s % slots * neurons;
        for (long p = 0; p < n_pop; p++) {
            for (long j = pop[p].first; j < pop[p].first + pop[p].size; j++) {
                long sum = ((u[j] + sum_limit) % (2 * sum_limit) + 2 * sum_limit) % (2 * sum_limit) - sum_limit;
                long v = sum + pop[p].bias, shown = v < 1 - sum_limit ? 1 - sum_limit : v;
                if (shown > sum_limit - 1) shown = sum_limit - 1;
                spike[j] = v > pop[p].threshold && s > silent_until[j];
                if (spike[j]) silent_until[j] = s + pop[p].refractory;
                if (k >= 0) checked[1]++, differences += shown != potentials[at + j];
                u[j] = 0;
            }
        }
        if (s == n_phases - 2) spike[pop[find("in_g")].first] = 1;
        if (k >= 0 && strstr(receives[phase], " input "))
            for (long j = 0; j < pop[input].size; j++) spike[pop[input].first + j] |= inputs[k * pop[input].size + j];
        if (k >= 0 && strstr(receives[phase], " in_tgt ")) spike[pop[find("in_tgt")].first + labels[k]] = 1;
        for (long j = 0; j < neurons && k >= 0; j++) checked[0]++, differences += spike[j] != expected[at + j];

        for (long q = 0; q < n_proj; q++) {
            Projection *c = &proj[q];
            int32_t *target = sums + (s + c->delay + 1) % slots * neurons + pop[c->post].first;
            for (long i = 0; i < pop[c->pre].size; i++) {
                if (!spike[pop[c->pre].first + i]) continue;
                if (!strcmp(c->pattern, "one-to-one")) target[i] += c->weight;
                else for (long j = 0; j < pop[c->post].size; j++)
                    target[j] += c->w ? c->w[i * pop[c->post].size + j] : c->weight;
            }
        }
        for (long q = 0; q < n_proj; q++) {
            Projection *c = &proj[q];
            long width = pop[c->post].size, size = pop[c->pre].size * width;
            for (long e = 0; e < size && c->learns && change[phase]; e++) {
                if (!spike[pop[c->pre].first + e / width] || !spike[pop[c->post].first + e % width]) continue;
                long w = c->w[e] + change[phase];
                c->w[e] = (int16_t)(w < weight_min ? weight_min : w > weight_max ? weight_max : w);
            }
            for (long e = 0; e < size && c->learns && phase == n_phases - 1 && k >= 0; e++)
                checked[2]++, differences += c->w[e] != c->all[(k + 1) * size + e];
        }
    }
    printf("%ld spikes, %ld potentials, %ld weights: %ld differences\n", checked[0], checked[1], checked[2], differences);
    return differences != 0;
}
