import LockstepFiles
import LockstepReports

/// `lockstep report`: how runs went.
enum ReportCommand: Command {
  static let name = "report"
  static let usage = "RUN-DIRECTORY… [OPTIONS]"
  static let summary =
    "summarize runs' losses, norms and metrics; show them on a page of HTML, or in plots"
  static let discussion = """
    --html writes one page that needs no network and no other file: losses, metrics, norms before and
    after clipping, norms of all layers, throughput, confusion matrix, ROC curve, worst predictions,
    configuration. Several runs are drawn one over the other.

    example: lockstep report runs/a runs/b --html comparison.html
    """
  static let options: [OptionSpecification] = [
    .option("--html", "FILE.html", "write everything on one page for a browser"),
    .option("--svg", "FOLDER", "write each chart as a file for a paper; the folder is made"),
    .option(
      "--tensorboard", "FOLDER", "write what was logged for TensorBoard, a folder a run below it"),
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
    let page = try arguments.pagePath("--html")
    guard LauncherRank.isRoot else { return ExitCode.done }
    let names = distinctNames(of: directories)
    let runs = try zip(directories, names).map { try RunRecord(directory: $0, name: $1) }
    let histories = runs.map { (name: $0.name, history: $0.history) }
    let reports = histories.map { RunReport($0.history, name: $0.name) }
    for (run, report) in zip(runs, reports) {
      if runs.count > 1 { Console.line(run.name) }
      Console.text(table(report.rows))
    }
    let comparison = RunComparison(histories)
    if let path = lossPlot {
      try (runs.count == 1 ? reports[0].lossPlot : comparison.lossPlot).write(to: path)
    }
    if let path = normPlot {
      try (runs.count == 1 ? reports[0].normPlot : comparison.normPlot).write(to: path)
    }
    if let folder = arguments.value("--svg") {
      try SystemFileSystem().createDirectory(folder)
      for plot in PaperPlots(runs).all { try plot.plot.write(to: "\(folder)/\(plot.name).svg") }
    }
    if let folder = arguments.value("--tensorboard") {
      for run in runs { Console.line("events \(try TensorBoardExport.write(run, to: folder))") }
    }
    if let page {
      try FileIdentity.check(page, of: "--html")
      try OutputFile.write(page, text: ReportPage(runs, version: Program.version).html)
      Console.line("page \(page)")
    }
    return ExitCode.done
  }

  /// What each run is called: the last part of its path, or as many of them as tell it from the others.
  static func distinctNames(of directories: [String]) -> [String] {
    let parts = directories.map { $0.split(separator: "/").map(String.init) }
    return parts.enumerated().map { index, own in
      for count in 1...max(own.count, 1) {
        let name = own.suffix(count)
        let isShared = parts.enumerated().contains { other, parts in
          other != index && parts.suffix(count) == name
        }
        if !isShared { return name.isEmpty ? "/" : name.joined(separator: "/") }
      }
      return directories[index]
    }
  }
}

extension Arguments {
  /// The path that an option gives for a page: a name that ends in `.html`, in a folder that is there.
  fileprivate func pagePath(_ name: String) throws -> String? {
    guard let path = value(name) else { return nil }
    let ending = path.lowercased()
    guard ending.hasSuffix(".html") || ending.hasSuffix(".htm") || FileKind(path) == .other else {
      throw ArgumentError(
        description: "'\(name)' writes HTML, so its name must end in '.html'; found '\(path)'")
    }
    try checkFolder(of: path, name)
    return path
  }
}
