import LockstepFiles
import LockstepReports

extension LinePlot {
  /// Writes the plot to a file and says so.
  func write(to path: String) throws {
    try FileIdentity.check(path, of: "the plot")
    try OutputFile.write(path, text: svg)
    Console.line("plot \(path)")
  }
}

/// The last part of a path.
func lastName(of path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}
