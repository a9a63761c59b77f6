import LockstepPlatform

/// The number of this process among those that a launcher started, before MPI runs.
enum LauncherRank {
  /// Whether an MPI launcher started this process. The script of a Slurm job has a number too, and
  /// was started by none.
  static var isLaunched: Bool {
    ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].contains { (name: String) in
      getenv(name) != nil
    }
  }

  /// Whether this process is the first one, or alone.
  static var isRoot: Bool {
    for name in ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"] {
      if let text = getenv(name), let rank = Int(String(cString: text)) { return rank == 0 }
    }
    return true
  }
}
