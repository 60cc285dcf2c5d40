#!/usr/bin/env bash
# cuda_environment.sh DIR [full|thin|check]
#
# Makes in DIR a folder with which `cargo build --features cuda` works on a machine that has no GPU,
# no driver and no CUDA toolkit. Then: `. DIR/env.sh`. A program built in this way starts anywhere: it looks for the
# CUDA libraries when it first needs them, and computes on the CPU where there are none.
#
#   full   NVIDIA's compiler from PyPI wheels; every kernel of candle-kernels is compiled.
#   thin   the same, but candle's kernels for quantized language models (mmq_*, mmvq_*, moe_*) are left
#          out: minutes instead of a quarter of an hour, and a program of 15 MB instead of 51 MB.
#   check  no download at all: an nvcc that compiles nothing, for `cargo check|clippy --features cuda`.
#
# Needs: python3 with pip, gcc, ar, cargo (run it in the project: it reads cudarc's and
# candle-kernels' sources through `cargo metadata`).
set -euo pipefail
dir=$(mkdir -p "$1" && cd "$1" && pwd); mode=${2:-thin}
CUDA=13.0.2                      # the toolkit of torch 2.11+cu130; a newer one makes PTX that driver 580 refuses
home=$dir/cuda; mkdir -p "$home/bin" "$home/include" "$home/lib/stubs"
if [ "$mode" != check ] && [ ! -x "$home/bin/nvcc.real" ]; then
  python3 -m venv "$dir/venv"
  # cuda-toolkit is a meta-package that pins one consistent set of wheels for each toolkit release
  "$dir/venv/bin/pip" --quiet --disable-pip-version-check install --only-binary=:all: "cuda-toolkit[nvcc,nvvm,crt,cudart,cccl]==$CUDA"
  site=$(echo "$dir"/venv/lib/python3*/site-packages/nvidia/cu13)
  rm -rf "$home"; cp -a "$site" "$home"; rm -rf "$dir/venv"; mkdir -p "$home/lib/stubs"
  chmod +x "$home"/bin/* "$home"/nvvm/bin/*
  rm -f "$home"/lib/libnvvm.so.4               # cicc does not need it
  mv "$home/bin/nvcc" "$home/bin/nvcc.real"; cp "$home/bin/nvcc.profile" "$home/bin/nvcc.real.profile" 2>/dev/null || true
fi
cat > "$home/bin/nvcc" <<'W'
#!/usr/bin/env bash
# written by tools/cuda_environment.sh
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd); mode=$(cat "$here/../mode")
out=; prev=; lib=; for a in "$@"; do [ "$prev" = -o ] && out=$a; [ "$a" = --lib ] && lib=1; prev=$a; done
case "$mode:${*: -1}" in
  check:--version) printf '%s\n' 'nvcc: NVIDIA (R) Cuda compiler driver' 'none' 'none' 'Cuda compilation tools, release 13.0, V13.0.88'; exit 0 ;;
  check:*) if [ -n "$lib" ]; then rm -f "$out"; exec ar rcs "$out"; fi
           case " $* " in *" --ptx "*|*" -ptx "*)   # cudaforge names a folder and expects NAME.ptx in it
             n=$(basename "${*: -1}" .cu); for a in "$@"; do case $p in --output-directory|-odir) mkdir -p "$a"; : > "$a/$n.ptx";; esac; p=$a; done
             [ -n "$out" ] && : > "$out"; exit 0 ;; esac
           [ -n "$out" ] && exec gcc -c -x c /dev/null -o "$out"; exit 0 ;;
  thin:*mmq_*.cu|thin:*mmvq_*.cu|thin:*moe_*.cu) exec gcc -c -x c /dev/null -o "$out" ;;
esac
exec "$here/nvcc.real" "$@"
W
chmod +x "$home/bin/nvcc"; echo "$mode" > "$home/mode"
meta=$(cargo metadata --format-version 1 --filter-platform x86_64-unknown-linux-gnu --features "${CUDA_ENVIRONMENT_FEATURES:-cuda}")
src() { python3 -c 'import json,sys,os
for p in json.load(sys.stdin)["packages"]:
    if p["name"]==sys.argv[1]: print(os.path.dirname(p["manifest_path"]))' "$1" <<<"$meta"; }
rm -f "$home"/lib/stubs/*
python3 "$(dirname "$(readlink -f "$0")")/cuda_stand_ins.py" "$(src cudarc)" "$(src candle-kernels)" "$home/lib/stubs" "$mode" "$home/lib/libcudart_static.a"
cat > "$dir/env.sh" <<W
export CUDA_HOME=$home CUDA_PATH=$home NVCC=$home/bin/nvcc CUDA_COMPUTE_CAP=\${CUDA_COMPUTE_CAP:-90}
case ":\$PATH:" in *":$home/bin:"*) ;; *) export PATH=$home/bin:\$PATH ;; esac
W
echo "cuda_environment.sh: $mode toolchain in $dir ($(du -sh "$dir" | cut -f1)); now: . $dir/env.sh"
