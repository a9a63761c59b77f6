internal import CLockstepPage
import LockstepFiles

/// Runs on one page of HTML that needs nothing else: no network, no files beside it.
///
/// What is text stands in the page; charts are drawn by its script, in the width of the window and in
/// the reader's theme.
package struct ReportPage: Sendable {
  private let runs: [RunRecord]
  private let version: String

  /// A page on runs, which are drawn one over the other.
  ///
  /// - Parameter version: the program's, for the foot of the page.
  package init(_ runs: [RunRecord], version: String) {
    self.runs = runs
    self.version = version
  }

  private var title: String {
    runs.count <= 3
      ? runs.map(\.name).joined(separator: ", ") : "\(runs[0].name) and \(runs.count - 1) more runs"
  }

  /// The document.
  package var html: String {
    let charts = PageCharts(runs)
    let overSteps = charts.overSteps
    let ofTensors = charts.ofTensors
    let roc = charts.roc
    let data: JSONValue = [
      "charts": .array((overSteps + ofTensors + [roc].compactMap(\.self)).map(\.json))
    ]
    let sections = [
      ("summary", "Summary", summary),
      ("steps", "Over the steps", grid(overSteps.map(\.html).joined())),
      ("tensors", "Layers and ranks", grid(ofTensors.map(\.html).joined() + recordingAdvice)),
      (
        "evaluation", "Last evaluation",
        grid(evaluations(\.matrix) + (roc?.html ?? "") + evaluations(\.worst))
      ),
      (
        "configuration", "Configuration",
        PageConfiguration(runs).differences + PageConfiguration(runs).whole
      ),
    ].filter { !$0.2.isEmpty }
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="generator" content="lockstep \(version)">
      <title>\(HTML.escaped(title)) – Lockstep</title>
      <link rel="icon" href="data:,">
      <style>
      \(Self.text(lockstep_page_style()))</style>
      </head>
      <body>
      <a class="skip" href="#main">to the content</a>
      <header>
      <div><h1>\(HTML.escaped(title))</h1>
      \(runs.count == 1 ? ending(runs[0]) : "<p class=\"soft\">\(counted(runs.count, "run"))</p>")
      <nav aria-label="Sections">\(sections.map { "<a href=\"#\($0.0)\">\($0.1)</a>" }.joined(separator: "\n"))</nav></div>
      <button type="button" class="control" id="theme" hidden>theme</button>
      </header>
      <main id="main">
      <noscript><p>The charts of this page are drawn by a script, and scripts are turned off. Tables and texts are whole without it.</p></noscript>
      <p id="keys" class="visually-hidden">Arrow keys move over the values, Home and End to the ends, Escape leaves.</p>
      <div id="live" class="visually-hidden" aria-live="polite"></div>
      \(sections.map { id, title, content in
        "<section aria-labelledby=\"\(id)\"><h2 id=\"\(id)\">\(title)</h2>\n\(content)</section>\n"
      }.joined())</main>
      <footer>Made by lockstep \(version). \
      <span class="mono">\(HTML.escaped(runs.map(\.name).joined(separator: ", ")))</span></footer>
      <script type="application/json" id="data">\(HTML.script(data))</script>
      <script>
      \(Self.text(lockstep_page_script()))</script>
      </body>
      </html>

      """
  }

  private static func text(_ text: lockstep_page_text) -> String {
    String(
      decoding: UnsafeRawBufferPointer(start: text.bytes, count: text.count), as: UTF8.self)
  }

  private func grid(_ content: String) -> String {
    content.isEmpty ? "" : "<div class=\"grid\">\n\(content)</div>\n"
  }

  // MARK: Words

  private func ending(_ run: RunRecord) -> String {
    guard let ending = run.history.ending else { return "" }
    let state =
      switch ending.kind {
      case "done": "good"
      case "failed": "bad"
      default: "soft"
      }
    let words = RunReport(run.history, name: run.name).rows.first { $0.0 == "outcome" }?.1 ?? ""
    let fingerprint =
      ending.fingerprint.map {
        "<p class=\"soft\">fingerprint <code>\(HTML.escaped($0))</code></p>\n"
      } ?? ""
    return "<p class=\"\(state)\">\(HTML.escaped(words))</p>\n\(fingerprint)"
  }

  /// What `lockstep report` prints, a column a run.
  private var summary: String {
    let tables = runs.map { run in
      RunReport(run.history, name: run.name).rows
        + [("fingerprint", run.history.ending?.fingerprint ?? "–")]
    }
    var keys: [String] = []
    for table in tables {
      for (key, _) in table where !keys.contains(key) { keys.append(key) }
    }
    let values = tables.map { Dictionary($0, uniquingKeysWith: { first, _ in first }) }
    let rows = keys.map { key in
      [key.trimmed] + values.map { $0[key] ?? "–" }
    }
    let header = runs.count == 1 ? [] : [""] + runs.map(\.name)
    return "<div class=\"card\">" + HTML.table(header, rows, style: "summary") + "</div>\n"
  }

  /// How to have what is missing.
  private var recordingAdvice: String {
    guard runs.contains(where: { $0.breakdown == nil }) else { return "" }
    return """
      <p class="soft wide">Where the time of a step goes, rank by rank, is shown here for runs of \
      <code>lockstep train … --profile FILE</code>.</p>

      """
  }

  private func evaluations(_ part: (PageEvaluation) -> String) -> String {
    runs.compactMap { run in
      run.evaluation.map { part(PageEvaluation($0, of: runs.count == 1 ? nil : run.name)) }
    }.joined()
  }
}

extension String {
  /// Without blanks at its ends.
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
