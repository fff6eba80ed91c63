/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * netns: everything that `ip netns` does, with libnetns alone.
 *
 *     cc netns.c netns/[a-z]*.c $(pkg-config --cflags --libs netns) -o netns
 *
 * Accepts the options and commands of iproute2's `ip netns`, with the same output, messages and exit
 * statuses, so that it can replace it. netns(1) lists the differences and the reasons. This file
 * contains the global options and batches.
 */
#include "netns/tool.h"
#include "netns/text.h"

#include <stdarg.h>

/* iproute2's limit for the words in a line of a batch. */
#define WORDS_MAX 512

struct options options;

static void put_line(const char *format, va_list args)
{
    char *line;

    /* Without memory, the message is lost, but the exit status is not. */
    if (vasprintf(&line, format, args) < 0)
        return;
    put_text(line, stderr);
    fputc('\n', stderr);
    free(line);
}

int complain(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_line(format, args);
    va_end(args);
    return status;
}

int library_complains(void)
{
    return complain(FAILED, "%s", netns_errmsg());
}

int explain(const char *step, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_line(format, args);
    va_end(args);
    return strstr(netns_errmsg(), step) ? status : complain(status, "%s", netns_errmsg());
}

/* The errno with which output was lost, or 0. */
static int lost;

bool flush_output(void)
{
    /* The errno of an earlier failed write is not known: use EIO then. */
    errno = EIO;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    if (!lost)
        lost = errno;
    return false;
}

bool abbreviates(const char *word, const char *name)
{
    return *word && strncmp(name, word, strlen(word)) == 0;
}

bool parse_number(const char *text, int32_t *number)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 0);
    if (end == text || *end || errno == ERANGE || value < INT32_MIN || value > INT32_MAX)
        return false;
    *number = (int32_t)value;
    return true;
}

int open_name(const char *name, struct netns **ns)
{
    return netns_open_at(options.rundir, name, 0, ns);
}

int open_name_or_path(const char *word, struct netns **ns)
{
    return word[0] == '/' ? netns_open(word, 0, ns) : open_name(word, ns);
}

const char *rundir(void)
{
    return options.rundir ? options.rundir : NETNS_RUN_DIR;
}

int for_each_name(int (*call)(const char *name, void *arg), void *arg)
{
    struct netns_name_snapshot *names;
    int status = DONE, rc = netns_list_at(options.rundir, 0, &names);
    size_t i, len;

    if (rc < 0)
        return complain(FAILED, "Failed to open directory %s: %s", rundir(), strerror(-rc));
    len = netns_list_len(names);
    for (i = 0; i < len; i++) {
        int last = call(netns_list_name(names, i), arg);

        if (status == DONE)
            status = last;
    }
    netns_list_free(names);
    return status;
}

/* --- batches ----------------------------------------------------------------------------------- */

/* A file of commands, the number of the last line read, and that line joined with its continuations. */
struct batch {
    FILE *file;
    unsigned line_number;
    char *text;
    size_t length;
};

/* Appends a line without its comment. Fails if there is no memory. */
static bool append(struct batch *batch, char *line)
{
    char *text;

    *strchrnul(line, '#') = '\0';
    text = realloc(batch->text, batch->length + strlen(line) + 1);
    if (!text)
        return false;
    batch->text = text;
    strcpy(text + batch->length, line);
    batch->length += strlen(line);
    return true;
}

/* Reads and appends the next line. Fails at the end of the file, or if it cannot be read. */
static bool append_next(struct batch *batch)
{
    char *line = NULL;
    size_t room = 0;
    bool appended = getline(&line, &room, batch->file) >= 0 && append(batch, line);

    batch->line_number += appended;
    free(line);
    return appended;
}

/* Reads the next command. Returns 1, 0 at the end, or -1 if a continuation line is missing. */
static int read_command(struct batch *batch)
{
    batch->length = 0;
    if (!append_next(batch))
        return 0;
    while (batch->length >= 2 && strcmp(batch->text + batch->length - 2, "\\\n") == 0) {
        batch->length -= 2;
        batch->text[batch->length] = '\0';
        if (!append_next(batch)) {
            complain(FAILED, "Missing continuation line");
            return -1;
        }
    }
    return 1;
}

/*
 * Splits a command into words in place. A word that begins with a quote ends at the next quote of the
 * same kind. Returns the number of words, or -1.
 */
static int split(char *text, char **words)
{
    static const char space[] = " \t\r\n";
    int count = 0;

    for (text += strspn(text, space); *text; text += strspn(text, space)) {
        if (count == WORDS_MAX - 1) {
            complain(FAILED, "Too many arguments to command");
            return -1;
        }
        if (*text == '\'' || *text == '"') {
            char quote = *text++;

            words[count++] = text;
            text = strchr(text, quote);
            if (!text) {
                complain(FAILED, "Unterminated quoted string");
                return -1;
            }
        } else {
            words[count++] = text;
            text += strcspn(text, space);
        }
        if (*text)
            *text++ = '\0';
    }
    words[count] = NULL;
    return count;
}

/* Runs one line. In a line for `ip -batch`, the first word is netns or an abbreviation such as net. */
static int run_line(char *text)
{
    char *words[WORDS_MAX], **first = words;
    int count = split(text, words);

    if (count < 0)
        return FAILED;
    if (count == 0)
        return DONE;
    if (strlen(first[0]) >= strlen("net") && abbreviates(first[0], "netns")) {
        first++;
        count--;
    }
    return run(count, first);
}

static int run_lines(struct batch *batch, const char *name)
{
    int status = DONE, rc;

    while ((rc = read_command(batch)) != 0) {
        if (rc > 0 && run_line(batch->text) == DONE)
            continue;
        complain(FAILED, "Command failed %s:%u", name, batch->line_number);
        status = FAILED;
        if (!options.force)
            return status;
    }
    if (!feof(batch->file))
        return complain(FAILED, "Cannot read \"%s\": %s", name, strerror(errno));
    return status;
}

static int run_batch(const char *name)
{
    struct batch batch = {.file = stdin};
    int status;

    options.batch = true;
    if (strcmp(name, "-") != 0)
        batch.file = fopen(name, "re");
    if (!batch.file)
        return complain(FAILED, "Cannot open file \"%s\" for reading: %s", name, strerror(errno));
    status = run_lines(&batch, name);
    free(batch.text);
    if (batch.file != stdin)
        fclose(batch.file);
    return status;
}

/* --- options ----------------------------------------------------------------------------------- */

enum effect {
    IGNORE,
    IGNORE_NEXT,
    FAMILY,
    BUFFER,
    ALL,
    JSON,
    PRETTY,
    FORCE,
    BATCH,
    ENTER,
    RUNDIR,
    USAGE,
    VERSION,
};

/*
 * ip's options in the order in which it tries them: -b is -batch, and -br is -brief. Options without
 * an effect on namespaces are accepted and ignored, because scripts use them.
 */
static const struct option {
    const char *word;
    bool whole;
    enum effect effect;
} known[] = {
    {"-loops", false, IGNORE_NEXT},
    {"-family", false, FAMILY},
    {"-4", true, IGNORE},
    {"-6", true, IGNORE},
    {"-0", true, IGNORE},
    {"-M", true, IGNORE},
    {"-B", true, IGNORE},
    {"-human-readable", false, IGNORE},
    {"-iec", false, IGNORE},
    {"-stats", false, IGNORE},
    {"-statistics", false, IGNORE},
    {"-details", false, IGNORE},
    {"-resolve", false, IGNORE},
    {"-oneline", false, IGNORE},
    {"-timestamp", false, IGNORE},
    {"-tshort", false, IGNORE},
    {"-Version", false, VERSION},
    {"-force", false, FORCE},
    {"-batch", false, BATCH},
    {"-brief", false, IGNORE},
    {"-json", false, JSON},
    {"-pretty", false, PRETTY},
    {"-rcvbuf", false, BUFFER},
    {"-color", false, IGNORE},
    {"-help", false, USAGE},
    {"-netns", false, ENTER},
    {"-Numeric", false, IGNORE},
    {"-all", false, ALL},
    {"-echo", true, IGNORE},
    /* Only in netns. */
    {"-rundir", false, RUNDIR},
    {"-version", true, VERSION},
};

/* -color, optionally with a value: -c=never. */
static bool fits_color(const char *word, const char *when)
{
    static const char *const times[] = {"", "always", "auto", "never"};
    char option[sizeof "-color"] = "";
    size_t i, length = when - word;

    if (length >= sizeof option)
        return false;
    memcpy(option, word, length);
    for (i = 0; i < COUNT(times); i++)
        if (strcmp(when + 1, times[i]) == 0)
            return abbreviates(option, "-color");
    return false;
}

static bool fits(const char *word, const struct option *option)
{
    const char *when = strchr(word, '=');

    if (option->whole)
        return strcmp(word, option->word) == 0;
    if (when && strcmp(option->word, "-color") == 0)
        return fits_color(word, when);
    return abbreviates(word, option->word);
}

static const struct option *find_option(const char *word)
{
    size_t i;

    for (i = 0; i < COUNT(known); i++)
        if (fits(word, &known[i]))
            return &known[i];
    return NULL;
}

static int check_family(const char *family)
{
    static const char *const families[] = {"inet", "inet6", "link", "mpls", "bridge"};
    size_t i;

    if (strcmp(family, "help") == 0)
        return misused(NULL);
    for (i = 0; i < COUNT(families); i++)
        if (strcmp(family, families[i]) == 0)
            return DONE;
    return complain(MISUSED, "Error: argument \"%s\" is wrong: invalid protocol family", family);
}

/* Switches to another namespace without return: everything else runs there. */
static int enter(const char *name)
{
    struct netns *ns = NULL;
    int rc = open_name_or_path(name, &ns);

    if (rc == 0)
        rc = netns_setns(ns);
    else if (rc != -ENOTTY)
        return complain(MISUSED, "Cannot open network namespace \"%s\": %s", name, strerror(-rc));
    netns_close(ns);
    if (rc == 0)
        return DONE;
    return explain(SETNS_STEP, MISUSED, "setting the network namespace \"%s\" failed: %s", name,
                   strerror(rc == -ENOTTY ? EINVAL : -rc));
}

/* Applies an option. argument is NULL if the command line ends after it. */
static int apply(enum effect effect, const char *argument)
{
    int32_t number;

    switch (effect) {
    case FAMILY:
        return argument ? check_family(argument) : misused(NULL);
    case BUFFER:
        if (!argument)
            return misused(NULL);
        if (!parse_number(argument, &number) || number < 0)
            return complain(MISUSED, "Invalid rcvbuf size '%s'", argument);
        return DONE;
    case ENTER:
        if (!argument)
            return complain(MISUSED, "Command line is not complete. Try option \"help\"");
        return enter(argument);
    case IGNORE_NEXT:
    case BATCH:
        return argument ? DONE : misused(NULL);
    case RUNDIR:
        if (!argument || !*argument)
            return complain(MISUSED, "No run directory specified");
        options.rundir = argument;
        return DONE;
    case ALL:
        options.all = true;
        return DONE;
    case JSON:
        options.json = true;
        return DONE;
    case PRETTY:
        options.pretty = true;
        return DONE;
    case FORCE:
        options.force = true;
        return DONE;
    case IGNORE:
    case USAGE:
    case VERSION:
        return DONE;
    }
    return DONE;
}

static bool takes_argument(enum effect effect)
{
    return effect == IGNORE_NEXT || effect == FAMILY || effect == BUFFER || effect == BATCH ||
           effect == ENTER || effect == RUNDIR;
}

/* Prints help or version, and returns whether it did. */
static bool prints(enum effect effect)
{
    if (effect == VERSION)
        printf("netns, libnetns %s\n", netns_version());
    else if (effect == USAGE)
        help(0, NULL);
    return effect == VERSION || effect == USAGE;
}

static int run_command_line(int argc, char **argv)
{
    const char *batch_file = NULL;
    int i, status;

    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        const struct option *option;
        /* One or two dashes. */
        const char *word = argv[i] + (argv[i][1] == '-');

        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        option = find_option(word);
        if (!option)
            return complain(MISUSED, "Option \"%s\" is unknown, try \"netns --help\".", word);
        if (prints(option->effect))
            return DONE;
        if (takes_argument(option->effect))
            i++;
        status = apply(option->effect, argv[i]);
        if (status != DONE)
            return status;
        if (option->effect == BATCH)
            batch_file = argv[i];
    }
    return batch_file ? run_batch(batch_file) : run(argc - i, argv + i);
}

int main(int argc, char **argv)
{
    /* A large buffer, for few writes. */
    static char buffer[1 << 16];
    int status;

    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    setlinebuf(stderr);
    status = run_command_line(argc, argv);
    if (!flush_output())
        return complain(status ? status : FAILED, "write failed: %s", strerror(lost));
    return status;
}
