/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The table of commands: their options, arguments and help; parses a command line and runs its command. */
#include "tool.h"

#include <limits.h>

/* Options between a command and its arguments. */
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
    /* The bitwise OR of its options, and the maximum number of its arguments. */
    unsigned takes;
    int most_words;
    /* Whether it accepts an absolute path as its name. */
    bool takes_path;
    /* For help: the arguments, a summary, and details. */
    const char *words, *summary, *text;
} commands[] = {
    /* In the order in which iproute2 tries them: an abbreviation selects the first match. */
    {"list", list, NAMELESS, 0, false, "[-all]", "List the names of network namespaces",
     "Prints one name per line, followed by the nsid that the current network namespace\n"
     "has assigned to it, if any. This is the default command, with the aliases show and\n"
     "lst.\n"
     "  -all        list every network namespace of the system, by inode number, also\n"
     "              those without a name\n"},
    {"show", list, NAMELESS, 0, false, "[-all]", NULL, "An alias of list.\n"},
    {"lst", list, NAMELESS, 0, false, "[-all]", NULL, "An alias of list.\n"},
    {"list-id", list_id, 0, INT_MAX, false, "[target-nsid ID] [nsid ID]",
     "List the nsids of peer network namespaces",
     "Prints the nsids that the current network namespace has assigned, and the names of\n"
     "the network namespaces that they belong to.\n"
     "  target-nsid ID  list the nsids that the network namespace with this nsid has\n"
     "                  assigned\n"
     "  nsid ID         print only the network namespace with this nsid\n"},
    {"help", help, 0, 1, false, "[COMMAND]", "Print this help, or the help of a command", ""},
    {"add", add, EXIST_OK | LO_UP, 1, false, "[-exist-ok] [-lo-up] NAME",
     "Create a network namespace with a name",
     "  -exist-ok   succeed if the name exists already, and keep its network namespace\n"
     "  -lo-up      bring the loopback interface up\n"},
    {"set", set, 0, 2, true, "{NAME|PID} {auto|ID}", "Assign an nsid to a network namespace",
     "The current network namespace assigns the nsid. auto selects the first free nsid.\n"
     "An nsid cannot be changed.\n"},
    {"delete", delete, MISSING_OK | VERBOSE, 1, false, "[-missing-ok] [-v] NAME", "Remove a name",
     "The network namespace exists as long as something keeps it alive: another name, a\n"
     "process, a socket or a descriptor. netns -all delete removes all names.\n"
     "  -missing-ok succeed if the name does not exist\n"
     "  -v          list what keeps the network namespace alive, as holders does\n"},
    {"identify", identify, 0, 1, false, "[PID]", "Print the names of a process's network namespace",
     "Without PID, prints the names of the current network namespace.\n"},
    {"pids", pids, 0, 1, true, "NAME", "List the processes in a network namespace", ""},
    {"exec", exec, USER | KEEP_SYS | KEEP_ETC | PIN_ETC, INT_MAX, true,
     "[-user USER[:GROUP]] [-keep-sys] [-keep-etc|-pin-etc] NAME PROGRAM [ARGUMENT...]",
     "Run a program in a network namespace",
     "The program sees the network namespace's /sys, and the files of /etc/netns/NAME in\n"
     "/etc. netns -all exec PROGRAM runs it in each network namespace, one after another.\n"
     "  -user USER[:GROUP]  run the program as another user, given by name or number\n"
     "  -keep-sys           keep the caller's /sys\n"
     "  -keep-etc           keep the caller's /etc\n"
     "  -pin-etc            keep the files of /etc/netns/NAME in /etc even if the host\n"
     "                      replaces its own\n"},
    {"monitor", monitor, 0, 0, false, "", "Report names as they are added and removed", ""},
    {"attach", attach, 0, 3, false, "NAME {PID|-inode N}", "Give a name to an existing network namespace",
     "  PID         the network namespace of this process\n"
     "  -inode N    the network namespace with this inode number, as list -all prints it\n"},
    {"sysctl", sysctl, 0, INT_MAX, true, "NAME KEY[=VALUE]...",
     "Print or set sysctls of a network namespace",
     "The keys are those of sysctl(8) that begin with net. Write a dot in an interface's\n"
     "name as a slash: net.ipv4.conf.eth0/10.forwarding.\n"},
    {"holders", holders, 0, 1, true, "{NAME|PID|INODE}", "List what keeps a network namespace alive",
     "Lists the threads and sockets in it, and the descriptors and mounts of it.\n"},
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
          "  -a[ll]         Apply delete or exec to all names\n"
          "  -b[atch] FILE  Run the commands in FILE; -: from standard input\n"
          "  -fo[rce]       Continue a batch after a failure\n"
          "  -j[son]        Print JSON\n"
          "  -n[etns] NAME  Run the command in this network namespace\n"
          "  -p[retty]      Indent the JSON\n"
          "  -rundir DIR    Use DIR as the run directory, instead of " NETNS_RUN_DIR "\n"
          "  --help         Print this help\n"
          "  -V, --version  Print the version\n"
          "\n"
          "Run \"netns help COMMAND\" for the help of a command, and see netns(1).\n",
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

/* Returns the option that a word is, or 0. Not abbreviated, because names may begin with a dash. */
static unsigned option_of(const struct command *command, const char *word)
{
    size_t i;

    /* One or two dashes. */
    word += word[0] == '-' && word[1] == '-';
    for (i = 0; i < COUNT(command_options); i++)
        if (strcmp(word, command_options[i].word) == 0)
            return command_options[i].option & command->takes;
    return 0;
}

/* Reads the options of a command. Returns the number of words that they take, or -1. */
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
    /* Ends the options, so that a name can look like one. */
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
    /* iproute2 checks the first word after every command, whether it is a name or not. */
    if (!options.all && argc > 0 && !is_name(argv[0]) &&
        !(command && command->takes_path && argv[0][0] == '/'))
        return complain(MISUSED, "Invalid netns name \"%s\"", argv[0]);
    if (!command)
        return unknown(argv[-1]);
    most_words = options.all && command->run == delete ? 0 : command->most_words;
    return argc > most_words ? extra(argv[most_words]) : command->run(argc, argv);
}
