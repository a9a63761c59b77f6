import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepPlatform
import LockstepReports
import LockstepTensorBoard

/// Writes a run's events for TensorBoard while it lasts, into `tensorboard/` of the run directory: numbers of
/// every step and evaluation, from time to time how gradients and weights are spread, the configuration, and
/// confusion matrices.
///
/// All ranks have one, so that they agree on when gradients are looked at; rank 0 alone writes.
final class TensorBoardLog: TensorObserver {
  /// Where the files go; nil on ranks that write none.
  private let folder: String?
  private let layout: FlatLayout
  private let metricNames: [String]
  private let configuration: JSONValue
  /// Tensors are looked at every so many steps.
  private let every: Int
  private var file: EventFile?
  /// What was seen of the step's gradient.
  private var gradients: [(tag: String, value: Event.Value)] = []

  /// How often tensors are looked at, about, in a run; and the fewest steps between two times.
  private static let looks = (wanted: 100, fewest: 10)

  /// - Parameter directory: the run directory; nil on ranks that write nothing, or where there is none.
  init(_ run: ConfiguredRun, directory: String?) {
    folder = directory.map { "\($0)/tensorboard" }
    layout = run.source.memory.trainableLayout
    metricNames = run.source.metricNames
    configuration = run.configuration.resolved
    every = max(Self.looks.fewest, (run.totalSteps - 1) / Self.looks.wanted + 1)
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }

  // MARK: What happens

  /// Hears what happens, on rank 0.
  func hear(_ event: TrainingEvent) throws {
    switch event {
    case .resumed(let restored): try begin(after: restored.step)
    case .step(let report, _, let rate):
      let after = report.update.clippedGradientNorm ?? report.update.gradientNorm
      var values: [(String, Double)] = [("loss/training", report.loss)]
      values += zip(metricNames, report.metrics).map { ("\($0)/training", $1) }
      if let heads = report.update.headClip {
        values.append(("clippedHeads/training", heads.fraction))
      }
      if report.skipped == nil {
        values += [
          ("gradientNorm/beforeClipping", report.update.gradientNorm),
          ("gradientNorm/afterClipping", after),
          ("clipping/coefficient", report.update.coefficient),
          ("clipping/clipped", report.update.clipped ? 1 : 0),
          ("learningRate", report.update.learningRate),
        ]
      }
      values.append(("examplesPerSecond", rate))
      try write(values.map { ($0.0, .scalar(Float($0.1))) }, step: report.step)
    case .evaluation(let report, let step, _):
      var values: [(String, Double)] = [("loss/\(report.name)", report.loss)]
      values += zip(report.metricNames, report.metrics).map { ("\($0)/\(report.name)", $1) }
      try write(values.map { ($0.0, .scalar(Float($0.1))) }, step: step)
      for table in report.tables where table.name == ConfusionMatrix().name {
        try write(
          confusion: table.rows.indices.map { Array(table[$0]) }, of: report.name, step: step)
      }
    case .notice, .checkpoint, .ended: break
    }
  }

  /// Shows the matrix of the last evaluation.
  func show(_ record: EvaluationRecord) throws {
    guard let confusion = record.confusion else { return }
    try write(
      confusion: confusion.counts.map { $0.map(Double.init) }, of: record.part, step: record.step)
  }

  // MARK: Tensors

  func isDue(step: Int) -> Bool { step == 1 || step.isMultiple(of: every) }

  func see(gradient: UnsafeBufferPointer<Float>, step: Int) throws {
    gradients = histograms("gradients", gradient)
  }

  func see(weights: UnsafeBufferPointer<Float>, step: Int) throws {
    try write(gradients + histograms("weights", weights), step: step)
    gradients = []
  }

  private func histograms(
    _ kind: String, _ arena: UnsafeBufferPointer<Float>
  ) -> [(tag: String, value: Event.Value)] {
    layout.slots.map { slot in
      let values = UnsafeBufferPointer(rebasing: arena[slot.range])
      return ("\(kind)/\(slot.name)", .histogram(ValueHistogram(values)))
    }
  }

  // MARK: Writing

  /// Opens a file of this process's own: what a process before it wrote of later steps holds no more.
  private func begin(after step: Int) throws {
    guard let folder, file == nil else { return }
    let file = try EventFile(in: folder, time: Self.now)
    self.file = file
    try file.append(Event(time: Self.now, step: step + 1, .start))
    try write([("configuration", .text(Self.markdown(configuration)))], step: step)
  }

  /// A configuration as TensorBoard shows text.
  static func markdown(_ configuration: JSONValue) -> String {
    "```\n\(configuration.prettyText)\n```"
  }

  private func write(
    confusion counts: [[Double]], of part: String, step: Int
  ) throws {
    guard let picture = ConfusionPicture(counts) else { return }
    try write(
      [
        (
          "confusion/\(part)",
          .image(
            png: picture.png, width: picture.side, height: picture.side,
            channels: picture.channels)
        )
      ], step: step)
  }

  private func write(_ values: [(tag: String, value: Event.Value)], step: Int) throws {
    guard folder != nil, !values.isEmpty else { return }
    if file == nil { try begin(after: 0) }
    try file?.append(Event(time: Self.now, step: step, .values(values)))
  }
}
