import LockstepFiles

/// A chart of the page: its place in the document, and what the page's script draws there.
struct PageChart {
  /// The element's name in the page.
  let id: String
  let title: String
  /// What is to be known of it, below the title.
  var note: String?
  /// Whether it takes the page's whole width.
  var isWide = false
  /// What the script reads beside `id` and `title`.
  let content: JSONObject

  var json: JSONValue {
    var object = content
    object["id"] = .string(id)
    object["title"] = .string(title)
    return .object(object)
  }

  /// The place that the script draws in.
  var html: String {
    """
    <figure class="card\(isWide ? " wide" : "")" id="\(id)">
    <figcaption class="head"><h3>\(HTML.escaped(title))</h3></figcaption>
    \(note.map { "<p class=\"soft\">\(HTML.escaped($0))</p>\n" } ?? "")</figure>

    """
  }

  /// Lines over an axis of numbers.
  static func lines(
    _ id: String, _ title: String, x: String = "step", y: String, isLogarithmic: Bool = false,
    _ series: [PageSeries], columns: Int, _ more: JSONObject = [:]
  ) -> PageChart? {
    let series = series.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    var content: JSONObject = [
      "kind": "lines", "xLabel": .string(x), "yLabel": .string(y), "log": .bool(isLogarithmic),
      "series": .array(series.map { $0.json(columns: columns) }),
    ]
    for (key, value) in more.members { content[key] = value }
    return PageChart(id: id, title: title, content: content)
  }

  /// A map of a table of norms, with a second number for each cell.
  static func heat(
    _ id: String, _ title: String, y: String, _ table: NormHistory.Table,
    second: (label: String, table: NormHistory.Table)? = nil, cells: Int
  ) -> PageChart? {
    guard !table.steps.isEmpty, !table.names.isEmpty else { return nil }
    let columns = max(20, cells / table.names.count)
    let (narrow, width) = table.narrowed(to: columns)
    func numbers(_ table: NormHistory.Table) -> JSONValue {
      .array(table.values.map { .array($0.map(PageSeries.short)) })
    }
    var content: JSONObject = [
      "kind": "heat", "xLabel": "step", "yLabel": .string(y), "log": true,
      "rows": .array(narrow.names.map { .string($0) }),
      "columns": .array(narrow.steps.map { .integer($0) }), "values": numbers(narrow),
    ]
    if let second {
      content["second"] = numbers(second.table.narrowed(to: columns).table)
      content["secondLabel"] = .string(second.label)
    }
    let note =
      "\(counted(narrow.names.count, "tensor")) at \(counted(table.steps.count, "step"))"
      + (width > 1 ? ", the largest of each \(width) side by side" : "")
    return PageChart(id: id, title: title, note: note, isWide: true, content: content)
  }

  /// Where each rank's time goes.
  static func bars(_ id: String, _ title: String, _ breakdown: BreakdownRecord) -> PageChart {
    PageChart(
      id: id, title: title,
      note: "mean of steps \(breakdown.steps.lowerBound) to \(breakdown.steps.upperBound); "
        + "waits are pale",
      isWide: true,
      content: [
        "kind": "bars", "unit": "ms a step",
        "rows": .array((0..<breakdown.ranks).map { .string("rank \($0)") }),
        "parts": .array(
          breakdown.parts.map { part in
            [
              "name": .string(part.name), "isWaiting": .bool(part.isWaiting),
              "values": .array(part.milliseconds.map(PageSeries.short)),
            ]
          }),
      ])
  }
}
