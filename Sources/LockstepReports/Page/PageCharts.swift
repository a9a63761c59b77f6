import LockstepFiles

/// The charts of one run, or of several, one over the other.
struct PageCharts {
  private let runs: [RunRecord]
  /// The columns of a line: a wide screen has no more pixels, and several runs share the page's size.
  private let columns: Int
  /// The cells of a heat map.
  private let cells: Int

  init(_ runs: [RunRecord]) {
    self.runs = runs
    columns = max(250, 1500 / max(runs.count, 1))
    cells = max(2000, 16_000 / max(runs.count, 1))
  }

  private var isAlone: Bool { runs.count == 1 }

  /// How many steps a mean is of, so that a line of means has some sixty points; nil where there are too few
  /// steps to need one. The same for all runs, which are compared.
  private var meanWidth: Int? {
    let longest = runs.map(\.history.steps.count).max() ?? 0
    return longest < 120 ? nil : longest / 60
  }

  /// Says what a chart's thick lines are.
  private func explained(_ chart: PageChart?) -> PageChart? {
    guard let meanWidth, var chart else { return chart }
    chart.note = "thick: means of \(counted(meanWidth, "step"))"
    return chart
  }

  /// The run's name behind a line's, where there are several.
  private func named(_ line: String, _ run: RunRecord) -> String {
    isAlone ? line : "\(run.name), \(line)"
  }

  /// A line's colour: the run's, or where there is one run the line's own.
  private func color(_ run: Int, _ line: Int) -> Int { isAlone ? line : run }

  private func lines(
    _ id: String, _ title: String, y: String, isLogarithmic: Bool = false, _ series: [PageSeries],
    _ more: JSONObject = [:]
  ) -> PageChart? {
    .lines(id, title, y: y, isLogarithmic: isLogarithmic, series, columns: columns, more)
  }

  // MARK: Over the steps

  /// Losses, metrics, norms, rates: everything that is a line over the steps.
  var overSteps: [PageChart] {
    [loss].compactMap(\.self) + metrics + [gradientNorm, coefficient].compactMap(\.self)
      + [
        single("rate", "Learning rate", y: "learning rate") { $0.learningRate },
        explained(
          single("speed", "Throughput", y: "examples/s", hasMeans: true) { $0.examplesPerSecond }),
        single("damping", "Damping of Hessian-free steps", y: "λ", isLogarithmic: true) {
          $0.hessianFree?.damping
        },
        single("iterations", "Iterations of conjugate gradients", y: "iterations") {
          $0.hessianFree.map { Double($0.iterations) }
        },
      ].compactMap(\.self)
  }

  private func single(
    _ id: String, _ title: String, y: String, isLogarithmic: Bool = false, hasMeans: Bool = false,
    _ value: (RunHistory.Step) -> Double?
  ) -> PageChart? {
    lines(
      id, title, y: y, isLogarithmic: isLogarithmic,
      runs.enumerated().map { index, run in
        PageSeries(
          isAlone ? title.lowercased() : run.name, color: color(index, 0),
          style: hasMeans && meanWidth != nil ? .faint : .plain,
          meanWidth: hasMeans ? meanWidth : nil,
          run.history.steps.compactMap { step in
            step.skipped ? nil : value(step).map { (Double(step.step), $0) }
          })
      })
  }

  /// The names of evaluations, in the order in which they came first.
  private func evaluationNames(_ run: RunRecord) -> [String] {
    run.history.evaluations.reduce(into: []) { names, evaluation in
      if !names.contains(evaluation.name) { names.append(evaluation.name) }
    }
  }

  private var loss: PageChart? {
    var series: [PageSeries] = []
    for (index, run) in runs.enumerated() {
      let names = evaluationNames(run)
      series.append(
        PageSeries(
          named("training loss", run), color: color(index, 0),
          style: names.isEmpty && meanWidth == nil ? .plain : .faint, meanWidth: meanWidth,
          run.history.steps.map { (Double($0.step), $0.loss) }))
      for (place, name) in names.enumerated() {
        series.append(
          PageSeries(
            named("\(name) loss", run), color: color(index, place + 1), style: .marked,
            run.history.evaluations.filter { $0.name == name }.map { (Double($0.step), $0.loss) }))
      }
    }
    let isPositive = runs.allSatisfy { run in run.history.steps.allSatisfy { !($0.loss <= 0) } }
    return explained(lines("loss", "Loss", y: "loss", isLogarithmic: isPositive, series))
  }

  private var metrics: [PageChart] {
    var names: [String] = []
    for run in runs {
      let evaluated = run.history.evaluations.flatMap { $0.metrics.map(\.name) }
      for name in run.history.metricNames + evaluated where !names.contains(name) {
        names.append(name)
      }
    }
    return names.enumerated().compactMap { number, name in metric(number, name) }
  }

  private func metric(_ number: Int, _ name: String) -> PageChart? {
    var series: [PageSeries] = []
    for (index, run) in runs.enumerated() {
      let evaluations = evaluationNames(run)
      if let place = run.history.metricNames.firstIndex(of: name) {
        series.append(
          PageSeries(
            named("training", run), color: color(index, 0),
            style: evaluations.isEmpty && meanWidth == nil ? .plain : .faint,
            meanWidth: meanWidth,
            run.history.steps.map { (Double($0.step), $0.metrics[place]) }))
      }
      for (place, evaluation) in evaluations.enumerated() {
        series.append(
          PageSeries(
            named(evaluation, run), color: color(index, place + 1), style: .marked,
            run.history.evaluations.compactMap { found in
              guard found.name == evaluation,
                let value = found.metrics.first(where: { $0.name == name })?.value
              else { return nil }
              return (Double(found.step), value)
            }))
      }
    }
    let chart = lines(
      "metric-\(number)", name.prefix(1).uppercased() + name.shortened(to: 80).dropFirst(),
      y: name.shortened(to: 40), series)
    let hasSteps = runs.contains { $0.history.metricNames.contains(name) }
    return hasSteps ? explained(chart) : chart
  }

  // MARK: Clipping

  private var gradientNorm: PageChart? {
    var series: [PageSeries] = []
    var strips: [JSONValue] = []
    var levels: [JSONValue] = []
    for (index, run) in runs.enumerated() {
      let steps = run.history.steps.filter { !$0.skipped }
      series.append(
        PageSeries(
          named("before clipping", run), color: color(index, 0),
          steps.map { (Double($0.step), $0.gradientNorm) }))
      guard steps.contains(where: \.clipped) else { continue }
      series.append(
        PageSeries(
          named("after clipping", run), color: color(index, 1), style: isAlone ? .plain : .dashed,
          steps.map { (Double($0.step), $0.clippedGradientNorm) }))
      strips.append(strip(run, color(index, 1)))
      if let limit = run.clipLimit {
        levels.append([
          "name": .string(named("limit \(readable(limit))", run)), "y": PageSeries.short(limit),
          "color": .integer(color(index, 1)),
        ])
      }
    }
    var more: JSONObject = ["strips": .array(strips)]
    // Levels of many runs would hide the lines.
    if levels.count <= 3 { more["levels"] = .array(levels) }
    return lines(
      "norm", "Gradient norm", y: "Euclidean norm", isLogarithmic: true, series, more)
  }

  /// How many steps of each place were clipped.
  private func strip(_ run: RunRecord, _ color: Int) -> JSONValue {
    let steps = run.history.steps
    let (first, last) = (steps.first?.step ?? 1, steps.last?.step ?? 1)
    let width = (last - first) / (2 * columns) + 1
    var clipped = [Int](repeating: 0, count: (last - first) / width + 1)
    var total = clipped
    for step in steps where !step.skipped {
      total[(step.step - first) / width] += 1
      if step.clipped { clipped[(step.step - first) / width] += 1 }
    }
    return [
      "name": "clipped steps", "run": isAlone ? .null : .string(run.name),
      "color": .integer(color), "first": .integer(first), "width": .integer(width),
      "clipped": .array(clipped.map { .integer($0) }), "total": .array(total.map { .integer($0) }),
    ]
  }

  private var coefficient: PageChart? {
    guard runs.contains(where: { $0.history.steps.contains(where: \.clipped) }) else { return nil }
    return explained(
      single("coefficient", "Clip coefficient", y: "norm after / norm before", hasMeans: true) {
        $0.coefficient
      })
  }

  // MARK: Tensors

  /// Norms of layers' gradients and weights, and where steps' time goes: of each run by itself.
  var ofTensors: [PageChart] {
    runs.enumerated().flatMap { index, run -> [PageChart] in
      func title(_ text: String) -> String { isAlone ? text : "\(text): \(run.name)" }
      return [
        .heat(
          "gradients-\(index)", title("Gradient norms of all tensors"), y: "norm before clipping",
          run.norms.before, second: ("after clipping", run.norms.after), cells: cells),
        .heat(
          "weights-\(index)", title("Weight norms of all tensors"), y: "norm of the weights",
          run.norms.weights, cells: cells), constrained(index, run, title),
        run.breakdown.map {
          .bars("breakdown-\(index)", title("A step's time, a rank a row"), $0)
        },
      ].compactMap(\.self)
    }
  }

  /// The most tensors whose units are drawn: lines and levels must stay apart.
  private static let mostConstrained = 8

  /// The largest unit of each constrained tensor, against the constraint's limit.
  private func constrained(
    _ index: Int, _ run: RunRecord, _ title: (String) -> String
  ) -> PageChart? {
    let norms = run.norms
    func tightness(_ row: Int) -> Double {
      let name = norms.largestUnit.names[row]
      let limit = norms.intervals.first { $0.name == name }?.maximum ?? .infinity
      return (norms.largestUnit.values[row].filter(\.isFinite).max() ?? 0) / limit
    }
    let rows = norms.largestUnit.names.indices.sorted {
      (tightness($0), $1) > (tightness($1), $0)
    }
    let shown = rows.prefix(Self.mostConstrained).sorted()
    func points(_ table: NormHistory.Table, _ row: Int) -> [(x: Double, y: Double)] {
      zip(table.steps, table.values[row]).map { (Double($0), $1) }
    }
    var levels: [Double: String] = [:]
    for row in shown {
      guard
        let interval = norms.intervals.first(where: { $0.name == norms.largestUnit.names[row] })
      else { continue }
      if interval.minimum > 0, interval.minimum != interval.maximum {
        levels[interval.minimum] = "lower limit \(readable(interval.minimum))"
      }
      if let maximum = interval.maximum { levels[maximum] = "limit \(readable(maximum))" }
    }
    var chart = lines(
      "units-\(index)", title("Largest weight norm of a unit, against its constraint"),
      y: "norm of a unit",
      shown.enumerated().map { place, row in
        PageSeries(norms.largestUnit.names[row], color: place, points(norms.largestUnit, row))
      },
      [
        "levels": .array(
          levels.sorted { $0.key < $1.key }.map {
            ["name": .string($0.value), "y": PageSeries.short($0.key)]
          }
        )
      ])
    chart?.isWide = true
    if rows.count > shown.count {
      chart?.note = "the \(shown.count) of \(rows.count) tensors that come nearest to their limit"
    }
    return chart
  }

  // MARK: The last evaluation

  /// ROC curves: of one run all that it has, of several the first of each.
  var roc: PageChart? {
    let found = runs.enumerated().flatMap { index, run in
      (run.evaluation?.curves ?? []).prefix(isAlone ? 12 : 1).enumerated().map {
        (color: color(index, $0.offset), run: run, curve: $0.element)
      }
    }
    guard !found.isEmpty else { return nil }
    let series = found.map { found in
      PageSeries(
        named("\(found.curve.name), area \(readable(found.curve.area))", found.run),
        // There are eight colours.
        color: found.color, style: found.color >= 8 ? .dashed : .plain,
        Array(zip(found.curve.falsePositives, found.curve.truePositives).map { ($0, $1) }))
    }
    let chance = PageSeries("chance", color: 7, style: .dashed, [(0, 0), (1, 1)])
    return .lines(
      "roc", "ROC curve", x: "false positive rate", y: "true positive rate", series + [chance],
      columns: 400, ["range": [0, 1], "square": true, "canLog": false])
  }
}

extension RunRecord {
  /// The limit of clipping by the global norm; nil for another clip, or several.
  fileprivate var clipLimit: Double? {
    guard let clip = configuration?["clip"], clip["type"]?.stringValue == "globalNorm" else {
      return nil
    }
    return clip["limit"]?.doubleValue
  }
}
