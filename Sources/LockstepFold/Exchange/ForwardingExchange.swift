/// An exchange that leaves to another one what it does not do itself.
package protocol ForwardingExchange: GradientExchange {
  /// The other one.
  var forwarded: any GradientExchange { get }
}

extension ForwardingExchange {
  package var partials: [UnsafeMutableBufferPointer<Float>] { forwarded.partials }
  package var folded: UnsafeMutableBufferPointer<Float> { forwarded.folded }
  package var visitsAllBlocks: Bool { forwarded.visitsAllBlocks }
  package var returnsGradients: Bool {
    get { forwarded.returnsGradients }
    set { forwarded.returnsGradients = newValue }
  }
  package var listens: Bool { forwarded.listens }
  package func ready(_ part: Range<Int>) { forwarded.ready(part) }
  package func progress() { forwarded.progress() }
  package func gather(_ contents: FoldedContents) throws { try forwarded.gather(contents) }
}
