/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The commands by name: what options and words they take, what help says of them, and how one is run. */
#include "tool.h"

#include <limits.h>

/* What may stand between a command and its words. */
enum command_option {
    EXIST_OK = 1 << 0,
    LO_UP = 1 << 1,
    MISSING_OK = 1 << 2,
    USER = 1 << 3,
    KEEP_SYS = 1 << 4,
    KEEP_ETC = 1 << 5,
    PIN_ETC = 1 << 6,
    NAMELESS = 1 << 7,
    VERBOSE = 1 << 8,
};

static const struct {
    const char *word;
    enum command_option option;
} command_options[] = {
    {"-exist-ok", EXIST_OK}, {"-lo-up", LO_UP},       {"-missing-ok", MISSING_OK},
    {"-user", USER},         {"-keep-sys", KEEP_SYS}, {"-keep-etc", KEEP_ETC},
    {"-pin-etc", PIN_ETC},   {"-all", NAMELESS},      {"-v", VERBOSE},
};

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    /* The options that it takes, or'ed together, and how many words at most. */
    unsigned takes;
    int most_words;
    /* Whether a path may stand for the name. */
    bool takes_path;
    /* For help: the words, what it does in a few words, and more about it. */
    const char *words, *summary, *text;
} commands[] = {
    /* In the order in which iproute2 tries them: an abbreviation means the first that it fits. */
    {"list", list, NAMELESS, 0, false, "[-all]", "Print the names of network namespaces",
     "One name a line, and the id that the current namespace has for it, if any.\n"
     "It is what netns does without a command. show and lst are the same.\n"
     "  -all        every network namespace of the system, also those without a name, by\n"
     "              inode number\n"},
    {"show", list, NAMELESS, 0, false, "[-all]", NULL, "The same as list.\n"},
    {"lst", list, NAMELESS, 0, false, "[-all]", NULL, "The same as list.\n"},
    {"list-id", list_id, 0, INT_MAX, false, "[target-nsid ID] [nsid ID]",
     "Print the ids of other namespaces",
     "The ids that the current namespace, or the one with the id target-nsid, has for\n"
     "others, and the names that go with them. With nsid, only that one.\n"},
    {"help", help, 0, 1, false, "[COMMAND]", "Print this, or more about a command", ""},
    {"add", add, EXIST_OK | LO_UP, 1, false, "[-exist-ok] [-lo-up] NAME",
     "Create a network namespace",
     "  -exist-ok   a name that exists already is no failure\n"
     "  -lo-up      bring the loopback interface up\n"},
    {"set", set, 0, 2, true, "{NAME|PID} {auto|ID}", "Assign an id to a namespace",
     "The current namespace knows the named one by the id from then on; auto is the\n"
     "first free one.\n"},
    {"delete", delete, MISSING_OK | VERBOSE, 1, false, "[-missing-ok] [-v] NAME", "Delete a name",
     "The namespace goes with its last name, process and socket.\n"
     "netns -all delete deletes all names.\n"
     "  -missing-ok a name that does not exist is no failure\n"
     "  -v          print what still keeps the namespace alive, as holders does\n"},
    {"identify", identify, 0, 1, false, "[PID]", "Print the names of a process's namespace",
     "Without a process id: those of the current namespace.\n"},
    {"pids", pids, 0, 1, true, "NAME", "Print the ids of the processes in a namespace", ""},
    {"exec", exec, USER | KEEP_SYS | KEEP_ETC | PIN_ETC, INT_MAX, true,
     "[-user USER[:GROUP]] [-keep-sys] [-keep-etc|-pin-etc] NAME PROGRAM [ARGUMENT...]",
     "Run a program in a namespace",
     "The program sees the namespace in /sys, and the files of /etc/netns/NAME in\n"
     "/etc. netns -all exec PROGRAM runs it in each namespace, one after the other.\n"
     "  -user USER[:GROUP]  run it as another user, by name or number\n"
     "  -keep-sys           leave /sys as it is here\n"
     "  -keep-etc           leave /etc as it is here\n"
     "  -pin-etc            keep the files of /etc/netns/NAME in /etc whatever changes there\n"},
    {"monitor", monitor, 0, 0, false, "", "Report names as they are added and deleted", ""},
    {"attach", attach, 0, 3, false, "NAME {PID|-inode N}", "Give a name to a process's namespace",
     "  -inode N    the namespace with this inode number, which list -all prints\n"},
    {"sysctl", sysctl, 0, INT_MAX, true, "NAME KEY[=VALUE]...", "Print or set sysctls of a namespace",
     "The keys are those of sysctl(8) that begin with net. A dot in an interface's name\n"
     "is written as a slash: net.ipv4.conf.eth0/10.forwarding.\n"},
    {"holders", holders, 0, 1, true, "{NAME|PID|INODE}", "Print what keeps a namespace alive",
     "Threads in it, descriptors of it, sockets that live in it, and mounts of it.\n"},
};

static const struct command *find_command(const char *word)
{
    size_t i;

    for (i = 0; i < COUNT(commands); i++)
        if (abbreviates(word, commands[i].name))
            return &commands[i];
    return NULL;
}

/* --- help -------------------------------------------------------------------------------------- */

#define SYNOPSIS                          \
    "Usage: netns [OPTIONS] [COMMAND]\n" \
    "       netns [OPTIONS] -batch FILE\n"

static int print_help(void)
{
    size_t i;

    fputs(SYNOPSIS "\nCommands, which may be abbreviated:\n", stdout);
    for (i = 0; i < COUNT(commands); i++)
        if (commands[i].summary)
            printf("  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "Options, before the command:\n"
          "  -a[ll]         delete, exec: all names\n"
          "  -b[atch] FILE  Run the commands in a file; -: standard input\n"
          "  -fo[rce]       Go on with a batch after a failure\n"
          "  -j[son]        Print JSON\n"
          "  -n[etns] NAME  Do everything in a namespace\n"
          "  -p[retty]      Indent the JSON\n"
          "  -rundir DIR    Keep the names in a directory, not in " NETNS_RUN_DIR "\n"
          "  --help         Print this\n"
          "  -V, --version  Print the version\n"
          "\n"
          "\"netns help COMMAND\" says more, and so does netns(1).\n",
          stdout);
    return DONE;
}

static void print_synopsis(const struct command *command, FILE *file)
{
    fprintf(file, "Usage: netns [OPTIONS] %s%s%s\n", command->name, *command->words ? " " : "",
            command->words);
}

static int print_help_of(const struct command *command)
{
    print_synopsis(command, stdout);
    if (command->summary)
        printf("%s.\n", command->summary);
    if (*command->text)
        printf("\n%s", command->text);
    return DONE;
}

static int unknown(const char *word)
{
    return complain(MISUSED, "Command \"%s\" is unknown, try \"netns help\".", word);
}

int misused(const char *name)
{
    if (name)
        print_synopsis(find_command(name), stderr);
    else
        fputs(SYNOPSIS "Try \"netns --help\".\n", stderr);
    return MISUSED;
}

int help(int argc, char **argv)
{
    const struct command *command;

    if (argc == 0)
        return print_help();
    command = find_command(argv[0]);
    return command ? print_help_of(command) : unknown(argv[0]);
}

/* --- running one ------------------------------------------------------------------------------- */

static bool is_name(const char *word)
{
    return *word && strlen(word) <= NAME_MAX && !strchr(word, '/') && strcmp(word, ".") != 0 &&
           strcmp(word, "..") != 0;
}

/* Which of its options a word is, in full: names may begin with a dash. 0: none. */
static unsigned option_of(const struct command *command, const char *word)
{
    size_t i;

    /* Two dashes are as good as one. */
    word += word[0] == '-' && word[1] == '-';
    for (i = 0; i < COUNT(command_options); i++)
        if (strcmp(word, command_options[i].word) == 0)
            return command_options[i].option & command->takes;
    return 0;
}

/* Reads the options of a command. Gives how many words they are, or -1. */
static int read_options(const struct command *command, int argc, char **argv)
{
    unsigned option, all = 0;
    int i;

    options.user = NULL;
    for (i = 0; i < argc && (option = option_of(command, argv[i])) != 0; i++) {
        all |= option;
        if (option != USER)
            continue;
        options.user = argv[++i];
        if (i == argc) {
            complain(FAILED, "No user specified");
            return -1;
        }
    }
    options.exist_ok = all & EXIST_OK;
    options.lo_up = all & LO_UP;
    options.missing_ok = all & MISSING_OK;
    options.keep_sys = all & KEEP_SYS;
    options.keep_etc = all & KEEP_ETC;
    options.pin_etc = all & PIN_ETC;
    options.nameless = all & NAMELESS;
    options.verbose = all & VERBOSE;
    /* The way to a name that is spelt as an option is. */
    if (command->takes && i + 1 < argc && strcmp(argv[i], "--") == 0)
        i++;
    return i;
}

static int extra(const char *word)
{
    complain(FAILED, "extra arguments specified");
    if (word[0] == '-' && word[1])
        complain(FAILED, "Options of netns come before the command: netns %s ...", word);
    return FAILED;
}

int run(int argc, char **argv)
{
    const struct command *command;
    int most_words, skipped;

    if (argc <= 0)
        return list(0, argv);
    command = find_command(argv[0]);
    skipped = command ? read_options(command, argc - 1, argv + 1) : 0;
    if (skipped < 0)
        return FAILED;
    argc -= 1 + skipped;
    argv += 1 + skipped;
    /* iproute2 looks at the first word after any command like this, be it a name or not. */
    if (!options.all && argc > 0 && !is_name(argv[0]) &&
        !(command && command->takes_path && argv[0][0] == '/'))
        return complain(MISUSED, "Invalid netns name \"%s\"", argv[0]);
    if (!command)
        return unknown(argv[-1]);
    most_words = options.all && command->run == delete ? 0 : command->most_words;
    return argc > most_words ? extra(argv[most_words]) : command->run(argc, argv);
}
