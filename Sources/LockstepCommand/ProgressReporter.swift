import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepPlatform
import LockstepReports

/// What rank 0 prints while a run lasts: a bar on a terminal, plain lines elsewhere.
final class ProgressReporter {
  private let run: ConfiguredRun
  private let directory: String?
  private let tokens: TokenScores?
  private let privacy: PrivacyText?
  private let isQuiet: Bool
  private let isTerminal = Terminal.columns != nil
  private let clock = ContinuousClock()
  private var lastLine: ContinuousClock.Instant
  private var started: ContinuousClock.Instant
  private var isLineOpen = false
  private var hasStarted = false
  private var steps = 0
  /// Whether each of the newest steps was clipped.
  private var clips: [Bool] = []
  private var examples = 0
  private var seconds = 0.0
  /// Whether a step of which something was taken out has been told of; later ones are lines among others.
  private var hasSanitized = false

  init(_ run: ConfiguredRun, directory: String?, quiet: Bool) {
    self.run = run
    self.directory = directory
    tokens = TokenScores(run.data.record.description, run.configuration)
    privacy = PrivacyText(run)
    isQuiet = quiet
    started = clock.now
    lastLine = started
  }

  /// Says what is about to run, once.
  ///
  /// - Parameter link: between nodes, where it was measured.
  func start(ranks: Int, link: NetworkLink?) {
    if isQuiet || hasStarted { return }
    hasStarted = true
    let parameters = run.source.memory.trainableLayout.slots.reduce(0) { $0 + $1.count }
    Console.line(
      "training \(counted(parameters, "parameter")) on "
        + "\(counted(run.data.training.count, "example")): \(counted(run.totalSteps, "step")) of "
        + "\(run.configuration.batchSize), \(counted(run.step.plan.shards, "shard")) over "
        + counted(ranks, "rank"))
    if let privacy { Console.line("privacy: " + privacy.plan) }
    for notice in run.notices { Console.notice(notice) }
    if let link {
      let bytes = run.configuration.bucketBytes
      Console.line(
        "between nodes \(link.text): gradients travel in buckets of "
          + (bytes.map { "\($0) bytes" } ?? "\(link.bucketBytes >> 10) KiB")
          + (run.wireForm.map { ", those of \($0.names.joined(separator: ", ")) as \($0.form)" }
            ?? ""))
    }
    if let directory {
      Console.line("run directory \(directory)")
      if let advice = Self.launcherAdvice { Console.line(advice) }
    }
    started = clock.now
  }

  /// How a job that Open MPI's launcher started is stopped with a checkpoint; nil under others, and where
  /// the launcher was told to be patient.
  private static var launcherAdvice: String? {
    guard getenv("OMPI_COMM_WORLD_SIZE") != nil,
      getenv("OMPI_MCA_odls_base_sigkill_timeout") == nil
    else { return nil }
    return
      "to stop with a checkpoint: kill -USR1 \(getppid()) (mpirun); after SIGTERM or Ctrl-C mpirun "
      + "kills the ranks within a second"
  }

  /// Hears what happens.
  func hear(_ event: TrainingEvent) {
    if isQuiet {
      if case .ended(let outcome) = event { end(outcome) }
      return
    }
    switch event {
    case .notice(let notice): say("notice: \(notice)")
    case .resumed(let restored):
      for reason in restored.skipped { say("passed over: \(reason)") }
      say("resumed from \(restored.path), step \(restored.step)")
      for notice in restored.notices { say("notice: \(notice)") }
    case .step(let report, let epoch, let rate):
      steps += 1
      examples += report.examples
      // A step without examples has no rate, and its time is not known here.
      if rate > 0 { seconds += Double(report.examples) / rate }
      if clips.count == Self.clipWindow { clips.removeFirst() }
      clips.append(report.update.clipped)
      if let skipped = report.skipped {
        say("skipped: \(skipped.finding)")
      } else if report.sanitized != nil, !hasSanitized {
        hasSanitized = true
        say(plain(report, epoch))
      } else {
        step(report, epoch)
      }
    case .evaluation(let report, let step, let epoch):
      say(
        "epoch \(epoch), step \(step): \(report.name) loss \(readable(report.loss))"
          + "\(tokens?.text(report.loss) ?? "")\(metricsText(report)), of \(counted(report.examples, "example"))"
      )
    case .checkpoint: break
    case .ended(let outcome): end(outcome)
    }
  }

  /// Of how many steps a terminal shows the share that was clipped.
  private static let clipWindow = 100

  private func step(_ report: StepReport, _ epoch: Int) {
    let now = clock.now
    guard now - lastLine >= .milliseconds(isTerminal ? 100 : 2000) else { return }
    lastLine = now
    if isTerminal {
      // One column stays free: a terminal breaks a line that fills all of them.
      let width = (Terminal.columns ?? 80) - 1
      Console.text("\r\u{1B}[K" + bar(report, epoch, now).text(width: width))
      isLineOpen = true
    } else {
      Console.line(plain(report, epoch))
    }
  }

  /// How far the run is, and how it goes.
  private func bar(
    _ report: StepReport, _ epoch: Int, _ now: ContinuousClock.Instant
  ) -> ProgressLine {
    let left = Double(run.totalSteps - report.step)
    let elapsed = (now - started) / .seconds(1)
    var facts = [
      "loss \(readable(report.loss))", "norm \(readable(report.update.gradientNorm, digits: 3))",
    ]
    if clips.contains(true) {
      facts.append("clipped \(100 * clips.count(where: \.self) / clips.count) %")
    }
    facts.append("\(rate) examples/s")
    if let tokens { facts.append(String(tokens.text(report.loss).dropFirst(2))) }
    if report.sanitized != nil { facts.insert("not finite: sanitized", at: 0) }
    return ProgressLine(
      step: report.step, total: run.totalSteps,
      title: "epoch \(epoch)/\(run.configuration.options.epochs)",
      // The first steps are slower than the others.
      secondsLeft: steps > 10 || elapsed > 5 ? elapsed / Double(steps) * left : nil,
      facts: facts, isUnicode: Terminal.isUnicode)
  }

  /// Examples a second, over all steps so far.
  private var rate: Int { Int(Double(examples) / max(seconds, 1e-9)) }

  private func plain(_ report: StepReport, _ epoch: Int) -> String {
    var text =
      "epoch \(epoch)/\(run.configuration.options.epochs), step \(report.step)/\(run.totalSteps): "
      + "loss \(readable(report.loss))\(tokens?.text(report.loss) ?? ""), norm \(readable(report.update.gradientNorm, digits: 3))"
    if report.update.clipped { text += " clipped" }
    if let sanitized = report.sanitized {
      let shards = sanitized.shards.map(String.init).joined(separator: ", ")
      text += ", not finite in shard\(sanitized.shards.count == 1 ? "" : "s") \(shards)"
    }
    return text + ", \(rate) examples/s"
  }

  private func end(_ outcome: Outcome) {
    switch outcome.kind {
    case .done:
      if !isQuiet {
        say(summary(outcome))
        if let privacy { Console.line(privacy.spent(outcome.step)) }
        if let directory { Console.line("weights \(directory)/weights.safetensors") }
      }
      if let fingerprint = outcome.fingerprint { Console.line("fingerprint \(fingerprint)") }
    case .interrupted:
      say("interrupted after step \(outcome.step); go on with --resume")
      if let privacy { Console.line(privacy.spent(outcome.step)) }
    case .running, .failed: break
    }
  }

  /// What was done: all steps, or those that a resumed run had left.
  private func summary(_ outcome: Outcome) -> String {
    let all = counted(outcome.step, "step")
    if steps == 0 { return "done: \(all), all of them done before" }
    let elapsed = (clock.now - started) / .seconds(1)
    return "done: \(all)" + (steps < outcome.step ? ", \(steps) of them now," : "")
      + " in \(format(elapsed, 2)) s, "
      + "\(rate) examples/s in steps"
  }

  private func say(_ text: String) {
    if isLineOpen { Console.text("\r\u{1B}[K") }
    isLineOpen = false
    Console.line(text)
  }
}

/// The metrics of an evaluation behind its loss: fractions as percentages, others as numbers.
func metricsText(_ report: EvaluationReport) -> String {
  zip(report.metricNames, report.metrics).map { name, value in
    name == "accuracy"
      ? ", \(name) \(format(100 * value, 2)) %" : ", \(name) \(readable(value))"
  }.joined()
}

/// A number with so many decimals; what is not finite in words, which have no sign of NaN.
func format(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite else { return readable(value) }
  var text = [CChar](repeating: 0, count: 400)
  let count = withVaList([value]) { vsnprintf(&text, text.count, "%.\(decimals)f", $0) }
  return String(decoding: text[..<Int(max(count, 0))].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
