/* A disk at fault, under a program that knows nothing of it (LD_PRELOAD). Settings are in the
   environment: of the calls that flush, so many percent as the file KMSDISK_FAULTY says fail with
   EIO, and nothing is flushed; at call number KMSDISK_KILL the process is killed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_ulong calls;

static unsigned long number(const char *name) {
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : 0;
}

static unsigned long mixed(unsigned long value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ul;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebul;
    return value ^ (value >> 31);
}

static int fails(void) {
    unsigned long call = atomic_fetch_add(&calls, 1) + 1;
    if (call == number("KMSDISK_KILL")) raise(SIGKILL);
    const char *faulty = getenv("KMSDISK_FAULTY");
    int file = faulty ? open(faulty, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    char percent[8] = "";
    ssize_t length = read(file, percent, sizeof percent - 1);
    close(file);
    unsigned long dice = mixed(call + (number("KMSDISK_SEED") << 32)) % 100;
    return length > 0 && dice < strtoul(percent, NULL, 10);
}

static int pass(const char *name, int file) {
    if (fails()) {
        errno = EIO;
        return -1;
    }
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return next(file);
}

int fsync(int file) { return pass("fsync", file); }
int fdatasync(int file) { return pass("fdatasync", file); }
