import LockstepFiles

/// What `lockstep watch` shows of a run: lines for a terminal of a given size.
package struct WatchScreen {
  /// What a terminal can show.
  package struct Look: Sendable {
    /// Whether it shows more than ASCII.
    package var isUnicode: Bool
    /// Whether it shows colours.
    package var hasColor: Bool

    /// A terminal of this kind.
    package init(isUnicode: Bool, hasColor: Bool) {
      self.isUnicode = isUnicode
      self.hasColor = hasColor
    }
  }

  private let run: RunFollower
  private let name: String
  private let look: Look
  /// The time, in seconds since 1970.
  private let now: Double

  /// How many of the newest steps rates and shares are of.
  private static let recent = 100
  /// After how many seconds without a step a run is called silent, and after how many usual steps.
  private static let silence = (seconds: 30.0, steps: 20.0)

  /// A picture of a run at a time.
  package init(_ run: RunFollower, name: String, look: Look, now: Double) {
    self.run = run
    self.name = name
    self.look = look
    self.now = now
  }

  // MARK: What is known

  private var last: RunFollower.Step? { run.steps.last }
  private var newest: ArraySlice<RunFollower.Step> { run.steps.suffix(Self.recent) }

  /// Whether nobody will write to the run's files any more, as far as they say.
  package var isOver: Bool {
    switch run.ending?.kind {
    case "done", "failed", "interrupted": true
    default: run.isGone == true
    }
  }

  /// The seconds of a step, by what the newest steps took themselves.
  private var stepSeconds: Double? {
    let times = newest.compactMap { step in
      step.rate > 0 ? Double(step.examples) / step.rate : nil
    }
    return times.isEmpty ? nil : times.reduce(0, +) / Double(times.count)
  }

  /// How the run is, in a few words, and whether that is bad.
  private var state: (text: String, isBad: Bool) {
    let ending = run.ending
    let message = ending?.message.map { ": \($0.shortened(to: 300))" } ?? ""
    switch ending?.kind {
    case "done": return ("done", false)
    case "interrupted": return ("interrupted\(message), resumable", false)
    case "failed": return ("failed\(message)", true)
    default: break
    }
    if run.isGone == true { return ("killed without a word", true) }
    guard let change = run.lastChange, last != nil else { return ("starting", false) }
    let silent = now - change
    let usual = max(Self.silence.seconds, Self.silence.steps * (stepSeconds ?? 0))
    return silent > usual
      ? ("no step for \(ProgressLine.duration(silent)): evaluating, stuck or killed", true)
      : ("running", false)
  }

  private var clippedShare: String? {
    guard newest.contains(where: \.clipped) else { return nil }
    let share = 100 * newest.count(where: \.clipped) / newest.count
    let limit = run.clipLimit.map { " at \(readable($0))" } ?? ""
    return "clipped \(share) % of the last \(counted(newest.count, "step"))\(limit)"
  }

  // MARK: One line

  /// The run on one line, for what is no terminal.
  package var line: String {
    var parts = ["\(name): \(state.text)"]
    if let last {
      parts.append("step \(last.step)" + (run.totalSteps.map { "/\($0)" } ?? ""))
      parts.append("loss \(readable(last.loss))")
      parts.append("norm \(readable(last.norm, digits: 3))")
      if let clippedShare { parts.append(clippedShare) }
      parts.append("\(Int(min(last.rate, 1e15))) examples/s")
    }
    if let evaluation = run.evaluations.first { parts.append(text(evaluation)) }
    return parts.joined(separator: ", ")
  }

  private func text(_ evaluation: RunHistory.Evaluation) -> String {
    "\(evaluation.name) loss \(readable(evaluation.loss))"
      + evaluation.metrics.prefix(4).map { ", \($0.name.shortened(to: 30)) \(readable($0.value))" }
      .joined() + " at step \(evaluation.step)"
  }

  // MARK: The screen

  /// The lines of a terminal of this size, each at most `width` columns.
  package func lines(width: Int, height: Int) -> [String] {
    let width = max(width, 10)
    let heading = cut("\(name)  ", width)
    var top = [bold(heading) + tinted(cut(state.text, width - heading.count))]
    if let last {
      top.append(progress(last, width))
      top.append("")
      top.append(bold("loss") + cut("  \(readable(last.loss))\(range(\.loss))", width - 4))
    }
    var middle: [String] = []
    if let last {
      let clipped = clippedShare.map { ", \($0)" } ?? ""
      middle.append(
        bold("gradient norm")
          + cut("  \(readable(last.norm, digits: 3))\(clipped)", width - 13))
    }
    var bottom: [String] = []
    if let last {
      bottom.append(
        cut(
          "learning rate \(readable(last.learningRate)), \(Int(min(last.rate, 1e15))) examples/s",
          width))
    }
    bottom += run.evaluations.map { cut(text($0), width) }
    if !isOver { bottom.append(dim(cut("q or Ctrl-C leaves; the run goes on", width))) }
    let room = height - top.count - middle.count - bottom.count - 2
    guard !run.steps.isEmpty, room >= 4 else {
      return Array((top + middle + bottom).prefix(max(height, 1)))
    }
    let plot = min(room / 2, 12)
    let lossPlot = plotted(\.loss, width, plot)
    let normPlot = plotted(\.norm, width, plot)
    return Array((top + lossPlot + [""] + middle + normPlot + [""] + bottom).prefix(height))
  }

  private func plotted(
    _ value: (RunFollower.Step) -> Double, _ width: Int, _ height: Int
  ) -> [String] {
    TextPlot(run.steps.map(value), isLogarithmic: true, isUnicode: look.isUnicode)
      .lines(width: width, height: height).map { $0.label + " " + dim($0.edge) + colored($0.dots) }
  }

  private func progress(_ last: RunFollower.Step, _ width: Int) -> String {
    let total = run.totalSteps ?? 0
    guard total > 0 else { return cut("epoch \(last.epoch), step \(last.step)", width) }
    return ProgressLine(
      step: last.step, total: total,
      title: "epoch \(last.epoch)" + (run.epochs.map { "/\($0)" } ?? ""),
      secondsLeft: isOver ? nil : stepSeconds.map { $0 * Double(total - last.step) },
      facts: [], isUnicode: look.isUnicode
    ).text(width: width)
  }

  private func range(_ value: (RunFollower.Step) -> Double) -> String {
    guard let first = run.steps.first,
      let least = run.steps.filter({ value($0).isFinite }).min(by: { value($0) < value($1) })
    else { return "" }
    return
      "  (first \(readable(value(first))), least \(readable(value(least))) at step \(least.step))"
  }

  // MARK: Looks

  private func cut(_ text: String, _ width: Int) -> String {
    let text = text.printable
    return text.count <= width ? text : String(text.prefix(max(width, 0)))
  }

  private func styled(_ code: String, _ text: String) -> String {
    look.hasColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
  private func bold(_ text: String) -> String { styled("1", text) }
  private func dim(_ text: String) -> String { styled("2", text) }
  private func colored(_ text: String) -> String { styled("36", text) }
  private func tinted(_ text: String) -> String { styled(state.isBad ? "31" : "32", text) }
}
