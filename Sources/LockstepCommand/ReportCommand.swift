import LockstepFiles
import LockstepReports

/// `lockstep report`: how runs went.
enum ReportCommand: Command {
  static let name = "report"
  static let usage = "RUN-DIRECTORY… [OPTIONS]"
  static let summary =
    "summarize a run's losses, norms and metrics; plot them, or several runs' together"
  static let options: [OptionSpecification] = [
    .option("--loss-plot", "FILE.svg", "plot the losses"),
    .option(
      "--norm-plot", "FILE.svg",
      "plot the gradient norms before and after clipping; of several runs those before"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let directories = try arguments.several("a run directory")
    let (lossPlot, normPlot) = (
      try arguments.plotPath("--loss-plot"), try arguments.plotPath("--norm-plot")
    )
    let runs = try directories.map {
      (name: lastName(of: $0), history: try RunHistory(directory: $0))
    }
    guard LauncherRank.isRoot else { return ExitCode.done }
    let reports = runs.map { RunReport($0.history, name: $0.name) }
    for (run, report) in zip(runs, reports) {
      if runs.count > 1 { Console.line(run.name) }
      Console.text(table(report.rows))
    }
    let comparison = RunComparison(runs)
    if let path = lossPlot {
      try (runs.count == 1 ? reports[0].lossPlot : comparison.lossPlot).write(to: path)
    }
    if let path = normPlot {
      try (runs.count == 1 ? reports[0].normPlot : comparison.normPlot).write(to: path)
    }
    return ExitCode.done
  }
}
