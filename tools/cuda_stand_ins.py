#!/usr/bin/env python3
"""Make link-time stand-ins for the CUDA libraries that candle/cudarc name.

lazy:  static archives libcuda.a, libcublas.a ... of trampolines that dlopen the real library on
       the first call (no DT_NEEDED at all; the binary starts with no CUDA on the machine, and
       every call then returns the library's own 'not available' status).
usage: cuda_stand_ins.py CUDARC_SRC CANDLE_KERNELS_SRC OUTDIR (full|thin|check) LIBCUDART_STATIC
"""
import os, re, subprocess, sys
src, kern, out, mode, cudart = sys.argv[1:6]
os.makedirs(out, exist_ok=True)
#        name       cudarc module  prefix              sonames                                             status
LIBS = [("cuda",    "driver",   "cu",      ["libcuda.so.1", "libcuda.so"],                              100),  # CUDA_ERROR_NO_DEVICE
        ("nvrtc",   "nvrtc",    "nvrtc",   ["libnvrtc.so.13", "libnvrtc.so.12"],                         7),  # BUILTIN_OPERATION_FAILURE
        ("curand",  "curand",   "curand",  ["libcurand.so.10"],                                          203),  # INITIALIZATION_FAILED
        ("cublas",  "cublas",   "cublas",  ["libcublas.so.13", "libcublas.so.12"],                        1),  # NOT_INITIALIZED
        ("cublasLt","cublaslt", "cublas",  ["libcublasLt.so.13", "libcublasLt.so.12"],                    1),
        ("cudnn",   "cudnn",    "cudnn",   ["libcudnn.so.9"],                                          1001),  # NOT_INITIALIZED (9.x)
        ("nccl",    "nccl",     "nccl",    ["libnccl.so.2"],                                              2)]  # SystemError
def names(mod, prefix):
    t = open(f"{src}/src/{mod}/sys/mod.rs").read()
    return sorted(set(re.findall(r"\bfn (%s[A-Za-z0-9_]*)\s*\(" % prefix, t)) - {"culib"})
C = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <glob.h>
static void *h; static int tried;
static const char *const so[] = { %(so)s, 0 };
static void *try_dir(const char *d, size_t n) {
  char p[4096];
  if (!strcmp("%(name)s", "nvrtc")) {  /* NVRTC opens its builtins by bare name: have them loaded already */
    glob_t g; snprintf(p, sizeof p, "%%.*s/libnvrtc-builtins.so.*", (int)n, d);
    if (!glob(p, 0, 0, &g)) { for (size_t i = 0; i < g.gl_pathc; i++) if (!strstr(g.gl_pathv[i], ".alt.")) dlopen(g.gl_pathv[i], RTLD_NOW|RTLD_GLOBAL); globfree(&g); } }
  for (int i = 0; so[i]; i++) { if (n + strlen(so[i]) + 2 > sizeof p) return 0;
    snprintf(p, sizeof p, "%%.*s/%%s", (int)n, d, so[i]); void *q = dlopen(p, RTLD_NOW|RTLD_GLOBAL); if (q) return q; }
  return 0; }
static void *lib(void) {
  if (__atomic_load_n(&tried, __ATOMIC_ACQUIRE)) return h;
  void *q = 0;
  for (int i = 0; !q && so[i]; i++) q = dlopen(so[i], RTLD_NOW|RTLD_GLOBAL);
  const char *e = getenv("CUDA_LIB_DIRS");                       /* colon list, shell patterns allowed */
  while (!q && e && *e) { size_t n = strcspn(e, ":"); char pat[4096];
    if (n && n < sizeof pat) { memcpy(pat, e, n); pat[n] = 0; glob_t g;
      if (!glob(pat, 0, 0, &g)) { for (size_t i = 0; !q && i < g.gl_pathc; i++) q = try_dir(g.gl_pathv[i], strlen(g.gl_pathv[i])); globfree(&g); } }
    e += n; if (*e) e++; }
  if (getenv("CUDA_STAND_IN_DEBUG")) fprintf(stderr, "cuda stand-in: %(name)s %%s\n", q ? "loaded" : dlerror());
  h = q; __atomic_store_n(&tried, 1, __ATOMIC_RELEASE); return q; }
static long fail(void) { return %(status)d; }
static const char *fail_str(void) { return "%(name)s library not found"; }
__attribute__((visibility("hidden"))) void *shim_%(name)s_resolve(const char *sym) {
  void *l = lib(); void *f = l ? dlsym(l, sym) : 0;
  if (f) return f;
  if (l) fprintf(stderr, "cuda stand-in: %(name)s lacks %%s\n", sym);
  /* functions that return a text, not a status: never hand a number back as a pointer */
  int text = strncmp(sym, "cuGet", 5) && (strstr(sym, "GetErrorString") || strstr(sym, "GetStatusName") ||
             strstr(sym, "GetStatusString") || strstr(sym, "GetLastError"));
  return text ? (void *)fail_str : (void *)fail; }
'''
# x86-64 trampoline: jump through a slot; the slot first holds the slow path, which saves every
# argument register (integer and xmm), resolves, patches the slot and jumps on.
ASM_HEAD = r'''
        .text
shim_%(n)s_slow:                      # r11 = &slot entry {slot, name}
        push %%rbp; mov %%rsp,%%rbp
        push %%rdi; push %%rsi; push %%rdx; push %%rcx; push %%r8; push %%r9; push %%rax; push %%r11
        sub $128,%%rsp
        movups %%xmm0,0(%%rsp); movups %%xmm1,16(%%rsp); movups %%xmm2,32(%%rsp); movups %%xmm3,48(%%rsp)
        movups %%xmm4,64(%%rsp); movups %%xmm5,80(%%rsp); movups %%xmm6,96(%%rsp); movups %%xmm7,112(%%rsp)
        mov 8(%%r11),%%rdi
        call shim_%(n)s_resolve
        movups 0(%%rsp),%%xmm0; movups 16(%%rsp),%%xmm1; movups 32(%%rsp),%%xmm2; movups 48(%%rsp),%%xmm3
        movups 64(%%rsp),%%xmm4; movups 80(%%rsp),%%xmm5; movups 96(%%rsp),%%xmm6; movups 112(%%rsp),%%xmm7
        add $128,%%rsp
        pop %%r11; mov %%rax,0(%%r11); mov %%rax,%%r10
        pop %%rax; pop %%r9; pop %%r8; pop %%rcx; pop %%rdx; pop %%rsi; pop %%rdi; pop %%rbp
        jmp *%%r10
'''
for n, mod, prefix, so, status in LIBS:
    syms = names(mod, prefix)
    if n == "cublas":   syms = [s for s in syms if not s.startswith("cublasLt")]
    if n == "cublasLt": syms = [s for s in syms if s.startswith("cublasLt")]
    base = f"{out}/{n}"
    open(base + ".c", "w").write(C % dict(name=n, status=status, so=", ".join(f'"{s}"' for s in so)))
    with open(base + "_t.S", "w") as f:
        f.write(ASM_HEAD % dict(n=n))
        for s in syms:
            f.write(f'''
        .section .text.{s},"ax",@progbits
        .globl {s}
        .type {s},@function
{s}:    jmp *.Ls_{s}(%rip)
.Lf_{s}: lea .Ls_{s}(%rip),%r11
        jmp shim_{n}_slow
        .size {s},.-{s}
        .section .data.rel.local.{s},"aw",@progbits
        .balign 16
.Ls_{s}: .quad .Lf_{s}
        .quad .Ln_{s}
        .section .rodata.{s},"a",@progbits
.Ln_{s}: .asciz "{s}"
''')
        f.write('\n        .section .note.GNU-stack,"",@progbits\n')
    for s in (".c", "_t.S"):
        subprocess.check_call(["gcc", "-c", "-O2", "-fPIC", "-o", base + s.split(".")[0] + ".o", base + s])
    a = f"{out}/lib{n}.a"
    if os.path.exists(a): os.remove(a)
    subprocess.check_call(["ar", "rcs", a, base + ".o", base + "_t.o"])
    for s in (".c", "_t.S", ".o", "_t.o"): os.remove(base + s)
    print(n, len(syms), "symbols", os.path.getsize(a) // 1024, "KiB")

# libcudart: candle-kernels always asks for it. full: NVIDIA's static one. thin, check: nothing needs the
# runtime library, and the names that candle would call from libmoe.a stop the program with a message.
a = f"{out}/libcudart.a"
if mode == "full":
    os.path.exists(a) and os.remove(a); os.symlink(os.path.relpath(cudart, out), a)
else:
    ffi = sorted(set(re.findall(r"pub fn ([A-Za-z0-9_]+)\s*\(", open(f"{kern}/src/ffi.rs").read())))
    c = "#include <stdio.h>\n#include <stdlib.h>\n" + "".join(
        f'void {s}(void){{fputs("{s}: built without candle\'s kernels for quantized models\\n",stderr);abort();}}\n' for s in ffi)
    open(f"{out}/q.c", "w").write(c)
    subprocess.check_call(["gcc", "-c", "-O2", "-fPIC", "-ffunction-sections", "-o", f"{out}/q.o", f"{out}/q.c"])
    subprocess.check_call(["ar", "rcs", a, f"{out}/q.o"]); os.remove(f"{out}/q.c"); os.remove(f"{out}/q.o")
    print("cudart/moe", len(ffi), "stand-ins")
