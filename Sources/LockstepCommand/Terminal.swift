import LockstepPlatform

/// The terminal that a command writes to.
enum Terminal {
  /// The columns and lines of the terminal behind a descriptor; nil where there is none, or it has no size.
  static func size(of descriptor: Int32) -> (columns: Int, lines: Int)? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return nil
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// The width of the terminal that shows this process's output; nil where no terminal does.
  ///
  /// Open MPI's launcher gives every rank a terminal of its own and copies what it writes to the launcher's
  /// output, so that this is the one to ask about.
  static var columns: Int? {
    if getenv("OMPI_COMM_WORLD_RANK") == nil {
      guard isatty(STDOUT_FILENO) == 1, !isDumb else { return nil }
      return size(of: STDOUT_FILENO)?.columns ?? 80
    }
    guard let path = launcherOutput, !isDumb else { return nil }
    let descriptor = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard isatty(descriptor) == 1 else { return nil }
    return size(of: descriptor)?.columns ?? 80
  }

  /// What the launcher that is this process's parent writes to; nil where the parent is another program, as
  /// it is on nodes that the launcher is not on.
  private static var launcherOutput: String? {
    let parent = getppid()
    guard let name = link("/proc/\(parent)/exe")?.split(separator: "/").last,
      ["mpirun", "mpiexec", "orterun", "prterun"].contains(name)
    else { return nil }
    return link("/proc/\(parent)/fd/1")
  }

  private static func link(_ path: String) -> String? {
    var target = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &target, target.count)
    guard count > 0, count < target.count else { return nil }
    return String(validating: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether the terminal can do nothing but write lines.
  static var isDumb: Bool { variable("TERM") == "dumb" }

  /// Whether colours are welcome (no-color.org).
  static var hasColor: Bool { (variable("NO_COLOR") ?? "").isEmpty }

  /// Whether the locale says that the terminal shows UTF-8.
  static var isUnicode: Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first { !$0.isEmpty }
    let name = locale?.uppercased() ?? ""
    return name.contains("UTF-8") || name.contains("UTF8")
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
