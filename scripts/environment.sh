# shellcheck shell=bash
# Sourced by the other scripts: lets mpirun start as root when, and only when, we are root.
if ((EUID == 0)); then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
