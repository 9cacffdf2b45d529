/* Run the circuit in a folder of a bundle, knowing only its files, and compare every bit.
   usage: bundle BUNDLE training|inference */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX 1024
#define SLOTS 66
typedef struct { char name[64]; long size, bias, threshold, refractory, first; } Population;
typedef struct { long pre, post, delay, weight, learns; char pattern[16], matrix[160]; int16_t *w, *all; } Projection;

static Population pop[MAX];
static Projection proj[MAX];
static long n, n_pop, n_proj, n_phases, neurons, change[MAX], sum_limit, weight_min, weight_max, training;
static char receives[MAX][256];
static const char *root, *part;

static void stop(const char *why, const char *what) { fprintf(stderr, "%s: %s\n", what, why); exit(2); }

static FILE *open_file(const char *folder, const char *name) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s%s%s", root, folder, *folder ? "/" : "", name);
    if (length >= (int)sizeof path) stop("too long", name);
    FILE *file = fopen(path, "rb");
    if (!file) stop("cannot be read", path);
    return file;
}

static void *memory(long count, size_t width) {
    void *block = calloc(count, width);
    if (!block) stop("does not fit into memory", root);
    return block;
}

/* A whole number from `least` to `most`. */
static long number(const char *text, long least, long most) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < least || value > most) stop("no number, or out of range", text);
    return value;
}

/* A text that fits. */
static void copy(char *to, size_t size, const char *text) {
    if (snprintf(to, size, "%s", text) >= (int)size) stop("too long", text);
}

/* Open a CSV file whose first line is `header`. */
static FILE *table(const char *folder, const char *name, const char *header) {
    char line[4096];
    FILE *file = open_file(folder, name);
    if (!fgets(line, sizeof line, file) || strcspn(line, "\n") != strlen(header) || strncmp(line, header, strlen(header)))
        stop("has another header", name);
    return file;
}

/* The `count` fields of the next line of a CSV file, the last one with all that follows; 0 at its end. */
static int row(FILE *file, char *line, size_t size, char **field, int count) {
    if (!fgets(line, (int)size, file)) return 0;
    char *end = strchr(line, '\n');
    if (!end) stop("is a line that is cut or too long", line);
    *end = 0;
    for (int f = 0; f < count; f++) {
        field[f] = line;
        if (f == count - 1) break;
        line = strchr(line, ',');
        if (!line) stop("is a line with too few fields", field[0]);
        *line++ = 0;
    }
    return 1;
}

/* The numbers of an NPY file of this type, as NumPy writes it, and of this shape: (a), (a, b) or (a, b, c). */
static void *array(const char *name, const char *type, long a, long b, long c) {
    char wanted[256], head[65536 + 11] = "";
    int k = snprintf(wanted, sizeof wanted, "{'descr': '%s', 'fortran_order': False, 'shape': (%ld,", type, a);
    if (b) k += snprintf(wanted + k, sizeof wanted - k, " %ld", b);
    if (c) k += snprintf(wanted + k, sizeof wanted - k, ", %ld", c);
    k += snprintf(wanted + k, sizeof wanted - k, "), }");
    FILE *file = open_file(part, name);
    if (fread(head, 1, 10, file) != 10 || memcmp(head, "\x93NUMPY\1", 8)) stop("no NPY file of format 1.0", name);
    size_t length = (unsigned char)head[8] + 256 * (unsigned char)head[9];
    if (fread(head, 1, length, file) != length || strncmp(head, wanted, k)) stop(wanted, name);
    size_t width = type[2] - '0', count = (size_t)a * (b ? b : 1) * (c ? c : 1);
    long size = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    if (size < 0 || (size_t)size != 10 + length + count * width) stop("is cut, or too long", name);
    void *values = memory(count, width);
    fseek(file, 10 + length, SEEK_SET);
    if (fread(values, width, count, file) != count) stop("cannot be read", name);
    fclose(file);
    return values;
}

static long find(const char *name) {
    for (long p = 0; p < n_pop; p++) if (!strcmp(pop[p].name, name)) return p;
    stop("no such population", name);
    return -1;
}

static void read_circuit(void) {
    char line[4096], *f[11];
    FILE *file = open_file("", "about.json");
    while (fgets(line, sizeof line, file) && !n) sscanf(line, " \"samples\": %ld,", &n);
    if (n < 1 || n > 100000) stop("has no samples", "about.json");
    fclose(file);
    file = table("", "parameters.csv", "name,value,unit,origin,note");
    while (row(file, line, sizeof line, f, 3)) {
        if (!strcmp(f[0], "sum_limit")) sum_limit = number(f[1], 1, 1 << 24);
        if (!strcmp(f[0], "weight_min")) weight_min = number(f[1], INT16_MIN, -1);
        if (!strcmp(f[0], "weight_max")) weight_max = number(f[1], 1, INT16_MAX);
    }
    fclose(file);
    if (!sum_limit || !weight_min || !weight_max) stop("lacks a limit", "parameters.csv");
    file = table(part, "populations.csv", "name,size,bias,threshold,refractory,type,layer,symbol");
    for (; row(file, line, sizeof line, f, 8); n_pop++) {
        if (n_pop == MAX) stop("too many", "populations");
        Population p = {"", number(f[1], 1, 1000000), number(f[2], -sum_limit, sum_limit),
                        number(f[3], -sum_limit, sum_limit), number(f[4], 0, 1000000), neurons};
        copy(p.name, sizeof p.name, f[0]);
        pop[n_pop] = p;
        neurons += p.size;
    }
    fclose(file);
    file = table(part, "phases.csv", "phase,weight_change,receives_input,gate,opens,opened_by,inhibits,"
                 "may_fire_while_gated_off,event");
    for (; row(file, line, sizeof line, f, 9); n_phases++) {
        if (n_phases == MAX) stop("too many", "phases");
        number(f[0], n_phases, n_phases);
        change[n_phases] = number(f[1], INT16_MIN, INT16_MAX);
        char names[254];
        copy(names, sizeof names, f[2]);
        snprintf(receives[n_phases], sizeof receives[0], " %s ", names);
    }
    fclose(file);
    if (n_phases < 2) stop("too few", "phases");
    file = table(part, "projections.csv", "pre,post,pattern,delay,weight,mantissa,exponent,learns,matrix,symbol,role");
    for (; row(file, line, sizeof line, f, 11); n_proj++) {
        if (n_proj == MAX) stop("too many", "projections");
        long plain = !*f[8];
        long weight = plain ? number(f[4], -sum_limit, sum_limit) : 0;
        Projection q = {find(f[0]), find(f[1]), number(f[3], 0, SLOTS - 2), weight, number(f[7], 0, !plain),
                        "", "", NULL, NULL};
        copy(q.pattern, sizeof q.pattern, f[2]);
        copy(q.matrix, sizeof q.matrix, f[8]);
        long pre = pop[q.pre].size, post = pop[q.post].size;
        if (!(!strcmp(f[2], "all-to-all") || (plain && !strcmp(f[2], "one-to-one") && pre == post) ||
              (plain && !strcmp(f[2], "one-to-all") && pre == 1))) stop("does not fit its populations", f[2]);
        if (!plain) {
            q.all = array(q.matrix, "<i2", training ? n + 1 : 1, pre, post);
            q.w = memory(pre * post, 2);
            memcpy(q.w, q.all, pre * post * 2);
        }
        proj[n_proj] = q;
    }
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc != 3 || (strcmp(argv[2], "training") && strcmp(argv[2], "inference")))
        stop("takes a bundle and training or inference", argv[0]);
    root = argv[1], part = argv[2], training = !strcmp(part, "training");
    read_circuit();
    long input = find("input"), in_g = find("in_g"), differences = 0, checked[3] = {0, 0, 0};
    long in_tgt = training ? find("in_tgt") : -1, classes = training ? pop[in_tgt].size : pop[find("o")].size;
    int32_t *labels = array("labels.npy", "<i4", n, 0, 0);
    int32_t *potentials = array("potentials.npy", "<i4", n, n_phases, neurons);
    uint8_t *inputs = array("inputs.npy", "|u1", n, pop[input].size, 0);
    uint8_t *expected = array("spikes.npy", "|u1", n, n_phases, neurons);
    for (long k = 0; k < n; k++)
        if (labels[k] < 0 || labels[k] >= classes) stop("has a label without a class", "labels.npy");
    int64_t *sums = memory(SLOTS * neurons, 8);
    uint8_t *spike = memory(neurons, 1);
    long *silent_until = memory(neurons, sizeof(long));
    for (long j = 0; j < neurons; j++) silent_until[j] = -1;

    for (long s = 0; s < n_phases * (n + 1); s++) {
        long phase = s % n_phases, k = s / n_phases - 1, at = (k * n_phases + phase) * neurons;
        int64_t *u = sums + s % SLOTS * neurons;
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
        if (s == n_phases - 2) spike[pop[in_g].first] = 1;
        if (k >= 0 && strstr(receives[phase], " input "))
            for (long j = 0; j < pop[input].size; j++) spike[pop[input].first + j] |= inputs[k * pop[input].size + j];
        if (k >= 0 && in_tgt >= 0 && strstr(receives[phase], " in_tgt ")) spike[pop[in_tgt].first + labels[k]] = 1;
        for (long j = 0; j < neurons && k >= 0; j++) checked[0]++, differences += spike[j] != expected[at + j];

        for (long q = 0; q < n_proj; q++) {
            Projection *c = &proj[q];
            int64_t *target = sums + (s + c->delay + 1) % SLOTS * neurons + pop[c->post].first;
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
    if (training && !checked[2]) stop("learn nothing", "projections");
    printf("%ld spikes, %ld potentials, %ld weights: %ld differences\n", checked[0], checked[1], checked[2], differences);
    return differences != 0;
}
