//! What messages say: reading Markdown and MessageML, rendering, forms.
