import LockstepFiles
import LockstepReports

/// `lockstep report`: how a run went.
enum ReportCommand: Command {
  static let name = "report"
  static let usage = "RUN-DIRECTORY [OPTIONS]"
  static let summary = "summarize a run's losses, norms and metrics; plot them"
  static let options: [OptionSpecification] = [
    .option("--loss-plot", "FILE.svg", "plot the losses"),
    .option("--norm-plot", "FILE.svg", "plot the gradient norms before and after clipping"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let directory = try arguments.single("a run directory")
    let (lossPlot, normPlot) = (
      try arguments.plotPath("--loss-plot"), try arguments.plotPath("--norm-plot")
    )
    let report = RunReport(try RunHistory(directory: directory), name: lastName(of: directory))
    guard LauncherRank.isRoot else { return ExitCode.done }
    Console.text(table(report.rows))
    if let path = lossPlot { try report.lossPlot.write(to: path) }
    if let path = normPlot { try report.normPlot.write(to: path) }
    return ExitCode.done
  }
}
